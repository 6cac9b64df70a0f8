# frozen_string_literal: true
# SPDX-License-Identifier: Apache-2.0

module Weighbridge
  # A payment's score and how it was made. Frozen.
  class Result
    FIELDS = %i[status score probability band reason backend precision numerics defaulted clipped device bundle queue_ns
                run_ns version].freeze
    private_constant :FIELDS
    attr_reader(*FIELDS)

    def initialize(**fields)
      FIELDS.each { |name| instance_variable_set("@#{name}", fields.fetch(name)) }
      freeze
    end

    def fallback? = status == :fallback
    def output(name) = raise(KeyError, "key not found: #{name.to_sym.inspect}")
    def to_h = FIELDS.to_h { |name| [name, public_send(name)] }
    def deconstruct_keys(_keys) = to_h
    def inspect = "#<Weighbridge::Result #{to_h.map { |name, value| "#{name}=#{value.inspect}" }.join(" ")}>"
  end
end
