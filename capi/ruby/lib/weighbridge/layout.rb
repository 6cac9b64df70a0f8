# frozen_string_literal: true
# SPDX-License-Identifier: Apache-2.0

module Weighbridge
  # How a payment's features become a row's bytes: bitmap, fixed fields and tail (weighbridge/c/row.h). Numbers of a type
  # that lie side by side go there as an array, which is what makes many keywords quick; the others are packed.
  # @private
  class Layout
    # What goes to a row: the bitmap of missing features and, behind it, the fields that no run has; the numbers of runs;
    # the tail; and what the library's own reader has to set. Its memory is used again for the next payment. For one
    # thread at a time.
    class Packed
      PADDING = Array.new(8) { |size| ("\0" * size).b.freeze }.freeze
      private_constant :PADDING

      attr_reader :bytes, :numbers, :tail, :odd

      def initialize(fixed_bytes, bitmap_bytes)
        @fixed_bytes = fixed_bytes
        @bitmap_bytes = bitmap_bytes
        @bytes = ("\0" * bitmap_bytes).b
        @tail = "".b
        @numbers = []
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
      def fill(values, template) = values.pack(template, buffer: @bytes)
    end

    # Features of one codec side by side: where their values are and where their fields.
    class Run
      attr_reader :places, :codec

      def initialize(places, feature)
        @places = places
        @codec = feature.codec
        @offset = feature.offset
        @directive = feature.directive
        freeze
      end

      def write(memory, numbers)
        case @directive
        when "f" then memory.put_array_of_float32(@offset, numbers)
        when "d" then memory.put_array_of_float64(@offset, numbers)
        else memory.put_array_of_int64(@offset, numbers)
        end
      end
    end

    BYTES = { "f" => 4, "d" => 8, "q" => 8, "C" => 1, "Q" => 8 }.freeze
    NUMBERS = %w[f d q].freeze
    # Fewer are quicker one by one.
    LEAST_RUN = 4
    private_constant :Run, :BYTES, :NUMBERS, :LEAST_RUN

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
      @others = (@codecs.each_index.to_a - @runs.flat_map { |run| run.places.to_a }).freeze
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
      return values if features.size == values.size && values.all?

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

    # @param values [Array] in the order of names; unspecified afterwards
    # @param packed [Packed] gets them
    def pack(values, packed)
      packed.reset
      full = values.all?
      @runs.each_with_index do |run, i|
        numbers = values[run.places]
        numbers = settle_run(run, numbers, values, packed) unless full && run.codec.all?(numbers)
        packed.numbers[i] = numbers
      end
      return if @others.empty?

      settle(@others, values, packed)
      packed.fill(values.values_at(*@others), @template)
    end

    # @param memory [FFI::Pointer] a row's, which gets everything but the header
    def write(packed, memory)
      memory.put_bytes(@start, packed.bytes) # also where the runs lie
      @runs.each_with_index { |run, i| run.write(memory, packed.numbers[i]) }
      memory.put_bytes(@fixed_bytes, packed.tail) unless packed.tail.empty?
    end

    private

    def runs
      places = @codecs.each_index.select do |at|
        NUMBERS.include?(@features[at].directive) && @codecs[at].respond_to?(:all?)
      end
      runs = places.slice_when { |a, b| b != a + 1 || !same_run?(*@features[a..b]) }
      runs.select { |run| run.size >= LEAST_RUN }.map { |run| Run.new(run.first..run.last, @features[run.first]) }
    end

    def same_run?(before, after)
      after.codec.equal?(before.codec) && after.offset == before.offset + BYTES.fetch(before.directive)
    end

    # @return [Array<Numeric>] what is to be written
    def settle_run(run, numbers, values, packed)
      present = numbers.compact
      sure = run.codec.all?(present)
      return numbers if sure && present.size == numbers.size

      settle(sure ? run.places.select { |place| values[place].nil? } : run.places, values, packed)
      values[run.places]
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

    # The end of the bitmap, then the fields of the others; x fills what lies between.
    def template
      at = @features.first.offset
      fields = @features.values_at(*@others).map do |feature|
        gap = feature.offset - at
        at = feature.offset + BYTES.fetch(feature.directive)
        gap.zero? ? feature.directive : "x#{gap}#{feature.directive}"
      end
      "@#{@bitmap_bytes}#{fields.join}"
    end
  end
  private_constant :Layout
end
