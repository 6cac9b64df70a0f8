# frozen_string_literal: true
# SPDX-License-Identifier: Apache-2.0

module Weighbridge
  # How a payment's features become a row's bytes: bitmap, fixed fields and tail (weighbridge/c/row.h), packed at once.
  # @private
  class Layout
    # What lies behind the fixed fields; which features are missing; what the library's own reader has to set.
    class Tail
      PADDING = Array.new(8) { |size| ("\0" * size).b.freeze }.freeze
      private_constant :PADDING

      attr_reader :bytes, :bits, :odd

      def initialize(fixed_bytes, bits)
        @fixed_bytes = fixed_bytes
        @bits = bits
        @bytes = String.new(encoding: Encoding::BINARY)
      end

      def append(bytes)
        @bytes << PADDING[-@bytes.bytesize & 7]
        at = used
        @bytes << (bytes.ascii_only? ? bytes : bytes.b)
        at
      end

      def used = @fixed_bytes + @bytes.bytesize

      # The feature is missing: 'b' packs '1' to a set bit.
      def miss(feature)
        @bits = @bits.dup if @bits.frozen?
        @bits.setbyte(feature.index, 49)
      end

      def leave(feature, value) = (@odd ||= []) << [feature, value]
    end

    INTEGERS = (-(2**63)..(2**63 - 1)).freeze
    private_constant :INTEGERS

    # @param info [Hash] a wb_schema_info
    # @param features [Array<Feature>]
    def initialize(info, features)
      @start, @fixed_bytes = info.values_at(:missing_offset, :fixed_bytes)
      @features = features.sort_by(&:offset).freeze
      @names = @features.map(&:name).freeze
      @symbols = @names.flat_map { |name| [[name, name], [name.name, name]] }.to_h.freeze
      @floats, @integers = %i[float integer].map { |kind| @features.each_index.select { @features[_1].kind == kind } }
      @others = @features.each_index.to_a - @floats - @integers
      @no_bits = ("0" * features.size).freeze
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
    # @return [Array(String, Tail)] the bytes from start on
    def pack(values)
      tail = Tail.new(@fixed_bytes, @no_bits)
      settle(@floats, values, tail) unless values.values_at(*@floats).all?(Float)
      settle(@integers, values, tail) unless integers?(values.values_at(*@integers))
      settle(@others, values, tail)
      [values.unshift(tail.bits).pack(@template) << tail.bytes, tail]
    end

    private

    def integers?(values)
      values.empty? || (values.all?(Integer) && INTEGERS.cover?(values.max) && INTEGERS.cover?(values.min))
    end

    def settle(places, values, tail)
      places.each do |place|
        feature = @features[place]
        value = values[place]
        field = feature.encode(value, tail) unless value.nil?
        if field.nil? || Feature::ODD.equal?(field)
          tail.leave(feature, value) if field
          tail.miss(feature)
          field = 0
        end
        values[place] = field
      end
    end

    def template
      at = @start
      fields = @features.map do |feature|
        gap = feature.offset > at ? "@#{feature.offset - @start}" : ""
        at = feature.offset + Feature::BYTES.fetch(feature.directive)
        gap + feature.directive
      end
      "b#{@no_bits.size}@#{@features.first.offset - @start}#{fields.join}@#{@fixed_bytes - @start}"
    end
  end
  private_constant :Layout
end
