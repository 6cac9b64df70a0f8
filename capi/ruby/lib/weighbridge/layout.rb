# frozen_string_literal: true
# SPDX-License-Identifier: Apache-2.0

module Weighbridge
  # How a payment's features become a row's bytes: bitmap, fixed fields and tail (weighbridge/c/row.h), packed at once.
  # @private
  class Layout
    # What lies around the fixed fields: the bitmap of missing features before them, texts and elements behind; and what
    # the library's own reader has to set.
    class Surroundings
      PADDING = Array.new(8) { |size| ("\0" * size).b.freeze }.freeze
      EMPTY = PADDING.first
      private_constant :PADDING, :EMPTY

      attr_reader :bitmap, :tail, :odd

      def initialize(fixed_bytes, bitmap)
        @fixed_bytes = fixed_bytes
        @bitmap = bitmap.dup
        @tail = EMPTY.dup
      end

      # @return [Integer] the row's bytes in use
      def used = @fixed_bytes + @tail.bytesize

      # Copies bytes to the tail.
      # @return [Integer] their offset in the row
      def append(bytes)
        @tail << PADDING[-@tail.bytesize & 7]
        at = used
        @tail << (bytes.ascii_only? ? bytes : bytes.b)
        at
      end

      # Marks a feature as missing.
      def miss(feature)
        at = feature.index / 8
        @bitmap.setbyte(at, @bitmap.getbyte(at) | 1 << feature.index % 8)
      end

      # Leaves a value to the library's reader.
      def leave(feature, value) = (@odd ||= []) << [feature, value]
    end

    BYTES = { "f" => 4, "d" => 8, "q" => 8, "C" => 1, "Q" => 8 }.freeze
    private_constant :BYTES

    # @param info [Hash] a wb_schema_info
    # @param features [Array<Feature>]
    def initialize(info, features)
      @start, @fixed_bytes = info.values_at(:missing_offset, :fixed_bytes)
      @features = features.sort_by(&:offset).freeze
      @names = @features.map(&:name).freeze
      @symbols = @names.flat_map { |name| [[name, name], [name.name, name]] }.to_h.freeze
      @codecs = @features.map(&:codec).freeze
      @floats, @integers = [Codec::Floating, Codec::Whole].map { |codec| runs(codec) }
      @others = @codecs.each_index.reject { |at| [Codec::Floating, Codec::Whole].include?(@codecs[at]) }.freeze
      @bitmap = ("\0" * (@features.first.offset - @start)).b.freeze
      @template = template.freeze
      freeze
    end

    # @return [Integer] where the bytes go in a row
    attr_reader :start
    # @return [Array<Symbol>] the features, in the order of pack's values
    attr_reader :names

    # A payment's values in the order of names.
    # @param features [Hash] names to values
    # @yieldparam name [Object] one that the schema lacks
    # @return [Array]
    def order(features)
      values = features.values_at(*@names)
      # None is unknown where as many names are in the schema as there are. (Not count(nil): a Float compares itself with
      # nil by a method that a trap handler must not enter again.)
      return values if values.compact.size == features.size

      named = features.transform_keys { |name| @symbols[name] || yield(name) }
      raise InvalidInput, "a feature is named twice, by a String and by a Symbol" if named.size != features.size

      named.values_at(*@names)
    end

    # @param values [Array] in the order of names; becomes what is packed
    # @return [Array(String, Surroundings)] the bytes from start on
    def pack(values)
      around = Surroundings.new(@fixed_bytes, @bitmap)
      @floats.each { |run| settle(run, values, around) unless values[run].all?(Float) }
      @integers.each { |run| settle(run, values, around) unless integers?(values[run]) }
      settle(@others, values, around)
      [values.pack(@template, buffer: around.bitmap) << around.tail, around]
    end

    private

    # Where features of a codec lie side by side: they are looked at together, which is what makes many keywords quick.
    def runs(codec)
      places = @codecs.each_index.select { |at| @codecs[at] == codec }
      places.slice_when { |a, b| b != a + 1 }.map { |run| run.first..run.last }.freeze
    end

    def integers?(values)
      values.all?(Integer) && values.max.bit_length < 64 && values.min.bit_length < 64
    end

    def settle(places, values, around)
      places.each do |place|
        value = values[place]
        field = @codecs[place].encode(value, around) unless value.nil?
        if field.nil? || Codec::ODD.equal?(field)
          around.leave(@features[place], value) if field
          around.miss(@features[place])
          field = 0
        end
        values[place] = field
      end
    end

    # The fixed fields, from the first one's offset on; x fills what lies between.
    def template
      at = @features.first.offset
      fields = @features.map do |feature|
        gap = feature.offset - at
        at = feature.offset + BYTES.fetch(feature.directive)
        gap.zero? ? feature.directive : "x#{gap}#{feature.directive}"
      end
      # f64 is read quicker than f f f ...
      runs = fields.chunk_while { |a, b| a == b && !a.start_with?("x") }
      "#{runs.map { |run| "#{run.first}#{run.size}" }.join}x#{@fixed_bytes - at}"
    end
  end
  private_constant :Layout
end
