# frozen_string_literal: true
# SPDX-License-Identifier: Apache-2.0

require "time"

module Weighbridge
  # One feature, as codegen wrote it. What codegen does not tell is nil, zero or false.
  class Feature
    NOTHING = Object.new.freeze
    private_constant :NOTHING

    attr_reader :index, :name, :type, :currency, :money_exponent, :ticks_per_second, :privacy, :range, :default, :zone

    def initialize(index, info)
      @index = index
      @name = info.fetch("name").to_sym
      @type = info.fetch("type").to_sym
      @sequence, @required = info.values_at("sequence", "required").map { |it| it == true }
      @currency, @money_exponent, @ticks_per_second, @privacy =
        info.values_at("currency", "exponent", "ticks_per_second", "privacy")
      freeze
    end

    def sequence? = @sequence
    def required? = @required
    def private? = !@privacy.nil?
    def nan_is_missing? = false
    def takes_unknown_keys? = false
    def vocabulary_size = 0
    def max_tokens = 0
    def type_name = sequence? ? "sequence of #{type}" : type.to_s
    def inspect = "#<#{self.class.name} #{name}: #{type_name}>"

    # What must be the same where a swap is to go unseen.
    def promise = [name, type_name, currency, money_exponent, ticks_per_second]

    # The value as it is kept: nil, a number, true or false, a text, or an array of these.
    # @raise [InvalidInput] it is none of the feature's type
    def stored(value)
      return if value.nil?
      return one(value) unless sequence?

      refuse(value) unless value.is_a?(Array)
      value.map { |it| one(it) }.freeze
    end

    # @raise [InvalidInput]
    def refuse(value)
      found = value.nil? ? "none, and it is required" : "an object of class #{value.class}"
      raise InvalidInput.new("feature '#{name}': expected #{type_name}, got #{found}", feature: name, row: 0)
    end

    private

    def one(value)
      kept = case type
             when :float32, :float64 then value.is_a?(Numeric) && value.real? ? value.to_f : NOTHING
             when :int64, :code then whole(value)
             when :timestamp then ticks(value)
             when :bool then bool(value)
             else value.is_a?(String) || value.is_a?(Symbol) ? value.to_s.dup.freeze : NOTHING
             end
      NOTHING.equal?(kept) ? refuse(value) : kept
    end

    def whole(value)
      return NOTHING unless value.is_a?(Numeric) && value.real? && value.finite? && value == value.to_i

      value.to_i.bit_length < 64 ? value.to_i : NOTHING
    end

    def ticks(value)
      value = Time.iso8601(value) if value.is_a?(String)
      value.is_a?(Time) ? (value.to_r * ticks_per_second).floor : whole(value)
    rescue ArgumentError
      NOTHING
    end

    def bool(value)
      return value if [true, false].include?(value)

      value.is_a?(Numeric) && [0, 1].include?(value) ? value == 1 : NOTHING
    end
  end
end
