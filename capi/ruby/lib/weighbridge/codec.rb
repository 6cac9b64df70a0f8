# frozen_string_literal: true
# SPDX-License-Identifier: Apache-2.0

module Weighbridge
  # How a value, which is not nil, becomes the number of its fixed field in a row (weighbridge/c/row.h); texts and elements
  # go to the tail, which takes bytes by append and gives their offset. Each encodes what it is sure of; the rest is ODD:
  # the library's own reader takes or refuses it (a BigDecimal, 1250.0 for an integer, an RFC 3339 text for a time).
  # @private
  module Codec
    ODD = :odd

    # float64, and the numbers of a float32 that pack rounds as the library does: once, and never to an infinity.
    class Floating
      # Integers up to here are floats as they are; and no float up to here is beyond float32.
      SURE = 2.0**53
      private_constant :SURE

      # @param largest [Float] the largest finite number of the type
      def initialize(largest)
        @largest = largest
        freeze
      end

      def encode(value, _tail)
        return value if Float === value && (value.abs <= @largest || !value.finite?)

        Integer === value && value.bit_length <= 53 ? value : ODD
      end

      # @return [Boolean] whether encode surely takes all of them: quick, since sum is. It is a Float of floats, integers
      #   and fractions alone.
      def all?(numbers)
        return true if numbers.empty?

        sum = numbers.sum
        (Float === sum || Integer === sum) && numbers.max <= SURE && numbers.min >= -SURE
      rescue StandardError # no numbers
        false
      end
    end

    DOUBLE = Floating.new(Float::MAX)
    SINGLE = Floating.new((2.0 - 2.0**-23) * 2.0**127)

    module Whole
      def self.encode(value, _tail) = Integer === value && value.bit_length < 64 ? value : ODD

      # As Floating#all?: a sum is an Integer of integers alone.
      def self.all?(numbers)
        return true if numbers.empty?

        Integer === numbers.sum && numbers.max.bit_length < 64 && numbers.min.bit_length < 64
      rescue StandardError # no numbers
        false
      end
    end

    # An Integer of the feature's unit, or a Time that is a whole number of it.
    class Ticks
      def initialize(per_second)
        @per_second = per_second
        freeze
      end

      def encode(value, tail)
        return Whole.encode(value, tail) unless Time === value

        ticks = value.to_r * @per_second
        ticks.denominator == 1 ? Whole.encode(ticks.numerator, tail) : ODD
      end
    end

    module Bool
      def self.encode(value, _tail)
        return 1 if true.equal?(value)

        false.equal?(value) ? 0 : ODD
      end
    end

    # Offset and size of bytes in the tail, as one little-endian number. Bytes of unknown encoding are the library's to
    # check, as UTF-8 is.
    module Text
      AS_THEY_ARE = [Encoding::UTF_8, Encoding::US_ASCII, Encoding::BINARY].freeze
      private_constant :AS_THEY_ARE

      def self.encode(value, tail)
        value = value.name if Symbol === value
        return ODD unless String === value

        value = value.encode(Encoding::UTF_8) unless AS_THEY_ARE.include?(value.encoding)
        tail.append(value) | value.bytesize << 32
      rescue EncodingError
        ODD
      end
    end

    # Elements side by side in the tail.
    class Sequence
      def initialize(codec, directive)
        @codec = codec
        @template = "#{directive}*"
        freeze
      end

      def encode(values, tail)
        return ODD unless Array === values

        numbers = values
        unless @codec.respond_to?(:all?) && @codec.all?(values)
          numbers = values.map { |it| @codec.encode(it, tail) }
          return ODD if numbers.any?(ODD)
        end
        tail.append(numbers.pack(@template)) | numbers.size << 32
      end
    end
  end
  private_constant :Codec
end
