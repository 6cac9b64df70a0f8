# frozen_string_literal: true
# SPDX-License-Identifier: Apache-2.0

require "json"

module Weighbridge
  # One feature of a schema: its type, what it takes, and where it lies in a row. Frozen.
  class Feature
    # What encode gives for a value whose meaning the library decides (a BigDecimal, 1250.0 for an integer, an RFC 3339
    # text for a time): the library's own reader takes or refuses it.
    # @private
    ODD = :odd
    # pack directives of the stored types
    DIRECTIVES = { float32: "f", float64: "d", int64: "q", bool: "C", category: "Q", code: "q", timestamp: "q",
                   text: "Q" }.freeze
    BYTES = { "f" => 4, "d" => 8, "q" => 8, "C" => 1, "Q" => 8 }.freeze
    KINDS = { float32: :float, float64: :float, int64: :integer, bool: :bool, category: :text, code: :integer,
              timestamp: :integer, text: :text }.freeze
    UTF8 = [Encoding::UTF_8, Encoding::US_ASCII, Encoding::BINARY].freeze
    private_constant :KINDS, :UTF8

    # @return [Integer] place in the schema
    attr_reader :index
    # @return [Symbol]
    attr_reader :name
    # @return [Symbol] :float32, :float64, :int64, :bool, :category, :code, :timestamp or :text; of a sequence's elements
    attr_reader :type
    # @return [Integer] of the fixed field in a row
    attr_reader :offset
    # @return [String, nil] ISO 4217 code of money in minor units
    attr_reader :currency
    # @return [Integer, nil] its exponent: 2 for cents
    attr_reader :money_exponent
    # @return [Integer, nil] of a timestamp's unit: 1, 1000, 1000000 or 1000000000
    attr_reader :ticks_per_second
    # @return [Range, nil] of raw values; others are refused
    attr_reader :range
    # @return [Float, Integer, Boolean, String, nil] what a missing value becomes; nil where it is required
    attr_reader :default
    # @return [Integer] keys of a vocabulary; 0 for other features
    attr_reader :vocabulary_size
    # @return [Integer] most tokens of a text; 0 for other features
    attr_reader :max_tokens
    # @return [String, nil] privacy class; values with one appear in no message
    attr_reader :privacy
    # @return [String, nil] of a timestamp's calendar
    attr_reader :zone
    # @return [Symbol] what encode takes: :float, :integer, :bool, :text or :sequence
    # @private
    attr_reader :kind
    # @return [String] how its fixed field is packed
    # @private
    attr_reader :directive

    # @private
    # @param info [Hash] a wb_feature_info
    # @yieldreturn [String, nil] the default's text
    def initialize(index, info)
      @index = index
      @name = info[:name].to_sym
      @type = Names.of(:type, info[:type])
      @sequence = info[:is_sequence] == 1
      @required = info[:required] == 1
      @nan_is_missing = info[:nan_is_missing] == 1
      @takes_unknown_keys = info[:unknown_keys] == 2
      @offset = info[:offset]
      @currency, @privacy, @zone = info.values_at(:currency, :privacy, :zone).map { |it| it unless it.empty? }
      @money_exponent = info[:money_exponent] unless info[:money_exponent].negative?
      @ticks_per_second = info[:ticks_per_second] unless info[:ticks_per_second].zero?
      @range = (info[:minimum]..info[:maximum]) if info[:has_range] == 1
      @vocabulary_size, @max_tokens = info.values_at(:vocabulary_size, :max_tokens)
      @element_kind = KINDS.fetch(@type)
      @element_directive = DIRECTIVES.fetch(@type)
      @kind = @sequence ? :sequence : @element_kind
      @directive = @sequence ? "Q" : @element_directive
      @default = default_of(info) { yield } unless @required
      freeze
    end

    # @return [Boolean] whether it takes an Array of values
    def sequence? = @sequence
    # @return [Boolean] whether a missing value is an error
    def required? = @required
    # @return [Boolean] whether a NaN counts as missing; else it is an error
    def nan_is_missing? = @nan_is_missing
    # @return [Boolean] whether a key that the vocabulary lacks is taken
    def takes_unknown_keys? = @takes_unknown_keys
    # @return [Boolean] whether its values appear in no message
    def private? = !@privacy.nil?
    # @return [String]
    def inspect = "#<#{self.class.name} #{name}: #{type_name}>"

    # @return [String] such as "int64" or "sequence of float32"
    def type_name = sequence? ? "sequence of #{type}" : type.to_s

    # A value, which is not nil, as the number of its fixed field; texts and elements go to the tail.
    # @param tail [#append] takes bytes, gives their offset
    # @return [Numeric, ODD]
    # @private
    def encode(value, tail)
      return scalar(value, tail) unless @sequence
      return ODD unless value.is_a?(Array)

      span(elements(value, tail) || (return ODD), value.size, tail)
    end

    # A value as JSON, for the library's reader.
    # @raise [InvalidInput] where JSON has no such value
    # @private
    def json(value)
      case value
      when nil, true, false, Integer then value.nil? ? "null" : value.to_s
      when String, Symbol then JSON.generate(readable(value.to_s))
      when Array then "[#{value.map { |it| json(it) }.join(",")}]"
      when Hash then "{}"
      when Time then value.getutc.strftime('"%Y-%m-%dT%H:%M:%S.%12NZ"')
      when Numeric then number(value)
      else refuse("an object of class #{value.class}")
      end
    end

    private

    def default_of(info)
      case @element_kind
      when :text then yield&.freeze
      when :integer then info[:default_integer]
      when :bool then info[:default_number] != 0
      else info[:default_number]
      end
    end

    def scalar(value, tail)
      case @element_kind
      when :float
        # An integer beyond 53 bits would be rounded twice.
        value.is_a?(Float) || (value.is_a?(Integer) && value.bit_length <= 53) ? value : ODD
      when :integer
        return value if value.is_a?(Integer) && value.bit_length < 64

        value.is_a?(Time) && @ticks_per_second ? ticks(value) : ODD
      when :bool then true.equal?(value) ? 1 : (false.equal?(value) ? 0 : ODD)
      else text(value, tail)
      end
    end

    def ticks(time)
      exact = time.to_r * @ticks_per_second
      exact.denominator == 1 && exact.numerator.bit_length < 64 ? exact.numerator : ODD
    end

    def text(value, tail)
      value = value.name if value.is_a?(Symbol)
      return ODD unless value.is_a?(String)

      value = utf8(value) unless UTF8.include?(value.encoding)
      span(value, value.bytesize, tail)
    end

    # Offset and size of bytes in the tail, as one little-endian number.
    def span(bytes, size, tail) = tail.append(bytes) | size << 32

    def elements(values, tail)
      return values.pack("#{@element_directive}*") if @element_kind == :float && values.all?(Float)

      numbers = values.map { |value| scalar(value, tail) }
      numbers.pack("#{@element_directive}*") unless numbers.any?(ODD)
    end

    def utf8(text)
      text.encode(Encoding::UTF_8)
    rescue EncodingError
      refuse("text that is not valid #{text.encoding}")
    end

    def readable(text) = utf8(text.encoding == Encoding::BINARY ? text.dup.force_encoding(Encoding::UTF_8) : text).scrub

    def number(value)
      return value.to_s("E") if defined?(BigDecimal) && value.is_a?(BigDecimal) && value.finite?

      float = value.real? ? value.to_f : refuse("an object of class #{value.class}")
      return refuse(float.nan? ? "NaN" : "an infinity") unless float.finite?

      float.to_s
    end

    def refuse(found)
      raise InvalidInput.new("feature '#{name}': expected #{type_name}, got #{found}", feature: name, row: 0)
    end
  end
end
