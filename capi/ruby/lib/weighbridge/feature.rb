# frozen_string_literal: true
# SPDX-License-Identifier: Apache-2.0

require "json"

module Weighbridge
  # One feature of a schema: its type, what it takes, and where it lies in a row. Frozen.
  class Feature
    # How the stored types are packed: directive, codec.
    TYPES = { float32: ["f", Codec::SINGLE], float64: ["d", Codec::DOUBLE], int64: ["q", Codec::Whole],
              code: ["q", Codec::Whole], timestamp: ["q", nil], bool: ["C", Codec::Bool], category: ["Q", Codec::Text],
              text: ["Q", Codec::Text] }.freeze
    private_constant :TYPES

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
    # @return [#encode] what makes a value its fixed field
    # @private
    attr_reader :codec
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
      @directive, @codec = TYPES.fetch(@type)
      @codec ||= Codec::Ticks.new(@ticks_per_second)
      @directive, @codec = "Q", Codec::Sequence.new(@codec, @directive) if @sequence
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
    def inspect = "#<#{self.class.name} #{name}: #{type_name}#{", required" if required?}>"

    # @return [String] such as "int64" or "sequence of float32"
    def type_name = sequence? ? "sequence of #{type}" : type.to_s

    # A value as JSON, for the library's reader. Arrays in an array are none that it takes, whatever is in them.
    # @raise [InvalidInput] where JSON has no such value
    # @private
    def json(value)
      return scalar(value) unless Array === value

      "[#{value.map { |it| Array === it ? "[]" : scalar(it) }.join(",")}]"
    end

    private

    def default_of(info)
      case @type
      when :category, :text then yield&.freeze
      when :int64, :code, :timestamp then info[:default_integer]
      when :bool then info[:default_number] != 0
      else info[:default_number]
      end
    end

    def scalar(value)
      case value
      when nil then "null"
      when true, false, Integer then value.to_s
      when String, Symbol then JSON.generate(readable(value.to_s))
      when Hash then "{}"
      when Time then time(value)
      when Numeric then number(value)
      else refuse_object(value)
      end
    end

    def time(value)
      type == :timestamp ? value.getutc.strftime('"%Y-%m-%dT%H:%M:%S.%12NZ"') : refuse_object(value)
    end

    def readable(text)
      text = text.dup.force_encoding(Encoding::UTF_8) if text.encoding == Encoding::BINARY
      text.encode(Encoding::UTF_8).scrub
    rescue EncodingError
      refuse("text that is not valid #{text.encoding}")
    end

    def number(value)
      return value.to_s("E") if defined?(BigDecimal) && value.is_a?(BigDecimal) && value.finite?

      return value.numerator.to_s if Rational === value && value.denominator == 1

      float = value.real? ? Float(value) : refuse_object(value)
      return special(float) unless float.finite?
      # Whole only because it was rounded.
      return refuse("a fraction") if !floating? && Rational === value && float == float.floor

      float.to_s
    rescue TypeError # of to_f
      refuse_object(value)
    end

    def floating? = %i[float32 float64].include?(type)

    def special(float)
      return refuse(float.nan? ? "NaN" : "an infinity") unless floating?

      float.nan? ? '"NaN"' : "\"#{float}\""
    end

    CLASS = Kernel.instance_method(:class)
    private_constant :CLASS

    # A BasicObject too has a class.
    def refuse_object(value)
      kind = CLASS.bind_call(value)
      refuse("an object of class #{kind}#{"; give a Time" if type == :timestamp && %w[Date DateTime].include?(kind.name)}")
    end

    def refuse(found)
      raise InvalidInput.new("feature '#{name}': expected #{type_name}, got #{found}", feature: name, row: 0)
    end
  end
end
