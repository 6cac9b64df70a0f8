# frozen_string_literal: true
# SPDX-License-Identifier: Apache-2.0

module Weighbridge
  # How a value, which is not nil, becomes the number of its fixed field in a row (weighbridge/c/row.h); texts and elements
  # go to the tail, which takes bytes by append and gives their offset. Each encodes what it is sure of; the rest is ODD:
  # the library's own reader takes or refuses it (a BigDecimal, 1250.0 for an integer, an RFC 3339 text for a time).
  # @private
  module Codec
    ODD = :odd

    # An integer beyond 53 bits would be rounded twice.
    module Floating
      def self.encode(value, _tail)
        value.is_a?(Float) || (value.is_a?(Integer) && value.bit_length <= 53) ? value : ODD
      end
    end

    module Whole
      def self.encode(value, _tail) = value.is_a?(Integer) && value.bit_length < 64 ? value : ODD
    end

    # An Integer of the feature's unit, or a Time that is a whole number of it.
    class Ticks
      def initialize(per_second)
        @per_second = per_second
        freeze
      end

      def encode(value, tail)
        return Whole.encode(value, tail) unless value.is_a?(Time)

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
        value = value.name if value.is_a?(Symbol)
        return ODD unless value.is_a?(String)

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
        return ODD unless values.is_a?(Array)

        numbers = @codec.equal?(Floating) && values.all?(Float) ? values : values.map { |it| @codec.encode(it, tail) }
        numbers.any?(ODD) ? ODD : tail.append(numbers.pack(@template)) | numbers.size << 32
      end
    end
  end
  private_constant :Codec
end
