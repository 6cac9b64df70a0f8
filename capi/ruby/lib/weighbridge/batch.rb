# frozen_string_literal: true
# SPDX-License-Identifier: Apache-2.0

module Weighbridge
  # The answers of score_all, each at its payment's place. Frozen.
  class Batch
    # @return [Array<Float>] NaN for a payment that was refused
    attr_reader :scores, :probabilities
    # @return [Array<Integer, nil>] nil where the bundle has none, and for a payment that was refused
    attr_reader :bands
    # @return [Array<Integer>] the payments that the bundle's fallback answered
    attr_reader :fallbacks
    # @return [Hash{Integer => Error}] why payments were refused, by place
    attr_reader :errors
    # @return [Array<String>] of the bundles that answered: more than one where the slot was swapped meanwhile
    attr_reader :versions

    # @private
    def initialize(scores, probabilities, bands, fallbacks, errors, versions, outputs)
      @scores, @probabilities, @bands, @fallbacks = scores, probabilities, bands, fallbacks
      @errors, @versions, @outputs = errors, versions, outputs
      instance_variables.each { |name| instance_variable_get(name).freeze }
      freeze
    end

    # @return [Integer] payments
    def size = @scores.size

    # @param name [Symbol, String] an output that score_all was given
    # @return [Array<Array<Float>>] NaNs for a payment without a model's answer
    # @raise [KeyError]
    def output(name) = @outputs.fetch(name.to_s.to_sym)

    # @return [String]
    def inspect
      "#<#{self.class.name} size=#{size} fallbacks=#{fallbacks.size} errors=#{errors.size} versions=#{versions}>"
    end
  end
end
