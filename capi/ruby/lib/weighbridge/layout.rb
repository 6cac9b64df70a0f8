# frozen_string_literal: true
# SPDX-License-Identifier: Apache-2.0

module Weighbridge
  # How a payment's features become a row's bytes: bitmap, fixed fields and tail (weighbridge/c/row.h), packed at once.
  # @private
  class Layout
    # A row's bytes from the bitmap on, before they go there: bitmap of missing features, fixed fields, texts and elements;
    # and what the library's own reader has to set. Its memory is used again for the next payment, so that packing one
    # allocates next to nothing. For one thread at a time.
    class Packed
      PADDING = Array.new(8) { |size| ("\0" * size).b.freeze }.freeze
      private_constant :PADDING

      attr_reader :bytes, :odd

      def initialize(fixed_bytes, bitmap_bytes)
        @fixed_bytes = fixed_bytes
        @bitmap_bytes = bitmap_bytes
        @bytes = ("\0" * bitmap_bytes).b
        @tail = "".b
      end

      # Begins another payment.
      def reset
        @bitmap_bytes.times { |at| @bytes.setbyte(at, 0) } if @missed
        @missed = false
        @tail.clear
        @odd = nil
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
        @missed = true
        at = feature.index / 8
        @bytes.setbyte(at, @bytes.getbyte(at) | 1 << feature.index % 8)
      end

      # Leaves a value to the library's reader.
      def leave(feature, value) = (@odd ||= []) << [feature, value]

      # @param template [String] begins with the end of the bitmap, so that what was behind it is dropped
      def fill(values, template)
        values.pack(template, buffer: @bytes)
        @bytes << @tail
      end
    end

    BYTES = { "f" => 4, "d" => 8, "q" => 8, "C" => 1, "Q" => 8 }.freeze
    # Fewer features of a codec side by side are quicker looked at one by one.
    LEAST_RUN = 4
    private_constant :BYTES, :LEAST_RUN

    # @param info [Hash] a wb_schema_info
    # @param features [Array<Feature>]
    def initialize(info, features)
      @start, @fixed_bytes = info.values_at(:missing_offset, :fixed_bytes)
      @features = features.sort_by(&:offset).freeze
      @names = @features.map(&:name).freeze
      @symbols = @names.flat_map { |name| [[name, name], [name.name, name]] }.to_h.freeze
      @codecs = @features.map(&:codec).freeze
      @texts = @names.map(&:name).freeze
      @runs = runs.freeze
      @others = (@codecs.each_index.to_a - @runs.flat_map(&:to_a)).freeze
      @bitmap_bytes = @features.first.offset - @start
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

      names = String === features.first.first ? @texts : @names
      return features.values_at(*names) if features.slice(*names).size == features.size

      named = features.transform_keys { |name| @symbols[name] || yield(name) }
      raise InvalidInput, "a feature is named twice, by a String and by a Symbol" if named.size != features.size

      named.values_at(*@names)
    end

    # @return [Packed] to pack into, again and again
    def packed = Packed.new(@fixed_bytes, @bitmap_bytes)

    # @param values [Array] in the order of names; becomes what is packed
    # @param packed [Packed] gets them
    def pack(values, packed)
      packed.reset
      full = values.compact.size == values.size
      @runs.each { |run| settle_run(run, values, packed, full) }
      settle(@others, values, packed)
      packed.fill(values, @template)
    end

    private

    # Where features of a codec lie side by side: they are looked at together, which is what makes many keywords quick.
    def runs
      places = @codecs.each_index.select { |at| @codecs[at].respond_to?(:all?) }
      runs = places.slice_when { |a, b| b != a + 1 || !@codecs[b].equal?(@codecs[a]) }
      runs.select { |run| run.size >= LEAST_RUN }.map { |run| run.first..run.last }
    end

    def settle_run(run, values, packed, full)
      numbers = values[run]
      present = full ? numbers : numbers.compact
      return settle(run, values, packed) unless @codecs[run.first].all?(present)

      settle(run.select { |place| values[place].nil? }, values, packed) if present.size < numbers.size
    end

    def settle(places, values, packed)
      places.each do |place|
        value = values[place]
        field = @codecs[place].encode(value, packed) unless nil.equal?(value)
        if field.nil? || Codec::ODD.equal?(field)
          packed.leave(@features[place], value) if field
          packed.miss(@features[place])
          field = 0
        end
        values[place] = field
      end
    end

    # The end of the bitmap, then the fixed fields; x fills what lies between.
    def template
      at = @features.first.offset
      fields = @features.map do |feature|
        gap = feature.offset - at
        at = feature.offset + BYTES.fetch(feature.directive)
        gap.zero? ? feature.directive : "x#{gap}#{feature.directive}"
      end
      # f64 is read quicker than f f f ...
      runs = fields.chunk_while { |a, b| a == b && !a.start_with?("x") }
      "@#{@bitmap_bytes}#{runs.map { |run| "#{run.first}#{run.size}" }.join}x#{@fixed_bytes - at}"
    end
  end
  private_constant :Layout
end
