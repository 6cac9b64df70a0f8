# frozen_string_literal: true
# SPDX-License-Identifier: Apache-2.0

module Weighbridge
  # The ordered, typed list of a payment's features, with outputs and decision bands. For any number of threads.
  class Schema < Handle
    # An output of the model. size: its floats for a row.
    Output = Struct.new(:index, :name, :size, keyword_init: true)
    # A decision band: the probabilities from the band before it up to `below`.
    Band = Struct.new(:index, :name, :below, keyword_init: true)

    # Larger rows than this are not kept for the next payment: one long text must not stay in memory.
    # @private
    KEPT_BYTES = 1 << 20

    # Reads the schema of a bundle, or of a draft that has manifest.json and the vocabularies that it names.
    # @param bundle [String, Pathname, Hash{String => String}] a directory, or files by name
    # @return [Schema]
    # @raise [Error]
    def self.load(bundle)
      Native.load
      return new { |out, error| Native.wb_schema_load(out, Arguments.text(bundle, "path"), error) } unless
        bundle.is_a?(Hash)

      Source.open(bundle) { |source| new { |out, error| Native.wb_schema_load_source(out, source, error) } }
    end

    # @return [String]
    def inspect = "#<#{self.class.name} of #{features.size} features>"

    # @return [Array<Feature>] in the schema's order
    attr_reader :features
    # @return [Array<Output>]
    attr_reader :outputs
    # @return [Array<Band>] from the least probabilities on; Result#band is an index of it
    attr_reader :bands
    # @return [Integer] of names, types, units, currencies and layout: the same number means the same rows
    attr_reader :digest
    # @private
    attr_reader :layout, :fixed_bytes

    # @private
    def initialize(&made)
      super(Native.method(:wb_schema_free), &made)
      info = read(Structs::SchemaInfo) { |struct, error| Native.wb_schema_describe(struct, to_ptr, error) }
      @digest, @fixed_bytes = info.values_at(:digest, :fixed_bytes)
      @features = Array.new(info[:feature_count]) { |index| feature(index) }.freeze
      @outputs = Array.new(info[:output_count]) { |index| output(index) }.freeze
      @tensors = Array.new(info[:tensor_count]) { |index| tensor(index) }.freeze
      @bands = Array.new(info[:band_count]) { |index| band(index) }.freeze
      @by_name = @features.flat_map { |it| [[it.name, it], [it.name.name, it]] }.to_h.freeze
      @layout = Layout.new(info, @features)
      @spares = []
    end

    # @param name [Symbol, String]
    # @return [Feature]
    # @raise [NotFound] has the nearest names
    def [](name)
      @by_name[name] || unknown(name)
    end

    # An empty row of this schema.
    # @param tail_bytes [Integer] room for texts and sequences to begin with
    # @return [Row]
    def row(tail_bytes: 512) = Row.new(self, tail_bytes: tail_bytes)

    # The tensors that a model of this schema gets for payments, exactly as scoring makes them: what training takes. The
    # longest payment sets the size of sequences and texts; others are padded.
    # @param payments [Array<Hash>, Hash{Symbol => Array}] payments, or columns of one length
    # @return [Array<Tensor>] in the order of the model's parameters
    # @raise [Error] of the first payment that scoring would refuse
    def encode(payments)
      payments = Payments.of(self, payments)
      raise InvalidArgument, "payments: expected one or more, got none" if payments.count.zero?

      Encoder.new(self).encode(payments.window(0, payments.count), @tensors)
    end

    # @private
    def feature_name(index) = (@features[index].name if index >= 0 && index < @features.size)

    # A payment's values in the order of the layout.
    # @private
    def order(features) = @layout.order(features) { |name| unknown(name) }

    # Lends a row: for a call that brings names and values.
    # @private
    def borrow
      row = @spares.pop || Row.new(self)
      begin
        yield row
      ensure
        row.capacity <= KEPT_BYTES ? @spares.push(row) : row.release
      end
    end

    private

    def unknown(name)
      raise InvalidArgument, "a feature's name: expected a Symbol or String, got #{name.class}" unless
        name.is_a?(Symbol) || name.is_a?(String)

      out = FFI::MemoryPointer.new(:uint32)
      Handle.check { |error| Native.wb_schema_find(out, to_ptr, Arguments.text(name, "a feature's name"), error) }
      @features[out.read_uint32]
    end

    def read(struct)
      struct.read { |out| Handle.check { |error| yield out, error } }
    end

    def feature(index)
      info = read(Structs::FeatureInfo) { |struct, error| Native.wb_schema_feature(struct, to_ptr, index, error) }
      Feature.new(index, info) { default_text(index) }
    end

    def default_text(index)
      Handle.text { |out, error| Native.wb_schema_default_text(out, to_ptr, index, error) }
    rescue NotFound
      nil
    end

    def tensor(index)
      read(Structs::TensorInfo) { |struct, error| Native.wb_schema_tensor(struct, to_ptr, index, error) }
    end

    def output(index)
      info = read(Structs::TensorInfo) { |struct, error| Native.wb_schema_output(struct, to_ptr, index, error) }
      size = info[:shape].first(info[:rank]).drop(1).inject(1, :*)
      Output.new(index: index, name: info[:name].to_sym, size: size).freeze
    end

    def band(index)
      info = read(Structs::BandInfo) { |struct, error| Native.wb_schema_band(struct, to_ptr, index, error) }
      Band.new(index: index, name: info[:name], below: info[:below]).freeze
    end
  end
end
