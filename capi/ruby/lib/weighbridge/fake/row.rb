# frozen_string_literal: true
# SPDX-License-Identifier: Apache-2.0

module Weighbridge
  # A payment's features, in Ruby's memory.
  class Row
    attr_reader :schema

    def initialize(schema, tail_bytes: 512)
      @schema = schema
      @tail_bytes = tail_bytes
      @values = Array.new(schema.features.size)
    end

    def []=(name, value)
      feature = @schema[name]
      @values[feature.index] = feature.stored(value)
    end

    def set(features)
      features.each { |name, value| self[name] = value }
      self
    end

    def replace(features) = fill(@schema.order(features))

    def clear = replace({})

    def set_json(json)
      raise InvalidArgument, "json: expected a String, got #{json.class}" unless json.is_a?(String)

      payment = JSON.parse(json)
      raise InvalidInput, "expected a JSON object" unless payment.is_a?(Hash)

      dup.set(payment).then { |it| fill(it.values) }
    rescue JSON::ParserError
      raise InvalidInput, "expected JSON"
    rescue NotFound => e
      raise InvalidInput, e.message
    end

    def to_json(*)
      named = @schema.features.zip(@values).reject { |_, value| value.nil? }
      JSON.generate(named.to_h { |feature, value| [feature.name, feature.private? ? "<redacted>" : value] },
                    allow_nan: true)
    end

    def to_s = to_json
    def inspect = "#<#{self.class.name} #{self}>"
    def missing?(name) = @values[@schema[name].index].nil?

    # The values in the order of the features.
    attr_reader :values

    # @param values [Array] in the order of the features
    def fill(values)
      @values = @schema.features.zip(values).map { |feature, value| feature.stored(value) }
      self
    end

    # The values by name, for a model of this schema or of one that extends it.
    # @raise [SchemaMismatch]
    # @raise [InvalidInput] a required one is missing
    def for(schema)
      why = schema.misfit(@schema)
      raise SchemaMismatch, "the row is of another schema: #{why}" if why

      named = @schema.features.map(&:name).zip(@values).to_h
      schema.features.each { |it| it.refuse(nil) if it.required? && named[it.name].nil? }
      named
    end

    def initialize_copy(other)
      @values = other.values.dup
    end
  end
end
