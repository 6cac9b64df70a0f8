# frozen_string_literal: true
# SPDX-License-Identifier: Apache-2.0

module Weighbridge
  # The names of the library's numbers; a number that the library has no name for stays a number.
  # @private
  module Names
    TABLES = %i[reason backend precision event type].to_h { |table| [table, {}] }
    private_constant :TABLES

    class << self
      # @return [Symbol, Integer, nil] nil for "none"
      def of(table, number)
        TABLES[table].fetch(number) do
          name = Native.public_send(:"wb_#{table}_name", number)
          TABLES[table][number] = { "none" => nil, "?" => number }.fetch(name) { name.to_sym }
        end
      end
    end
  end
  private_constant :Names

  # A payment's score and how it was made. Frozen.
  class Result
    # @private
    # @param bytes [String] a wb_result
    def initialize(bytes)
      @bytes = bytes
      freeze
    end

    # @return [Float] the primary output, activation applied; or the fallback's score
    def score = @bytes.unpack1("d", offset: 8)
    # @return [Float] the score after calibration
    def probability = @bytes.unpack1("d", offset: 16)
    # @return [Symbol] :ok where the model answered, :fallback where the bundle's fallback did
    def status = fallback? ? :fallback : :ok
    # @return [Boolean] whether the bundle's fallback answered
    def fallback? = @bytes.unpack1("l", offset: 4) == 1

    # @return [Integer, nil] index of the decision band in Schema#bands; nil where the bundle has none
    def band
      index = @bytes.unpack1("l", offset: 24)
      index unless index.negative?
    end

    # @return [Symbol, nil] why a fallback answered: :deadline, :overload, :backend, :short; nil where a model did
    def reason = Names.of(:reason, @bytes.unpack1("l", offset: 28))
    # @return [Symbol, nil] :native, :reference, ...; nil where no model ran
    def backend = Names.of(:backend, @bytes.unpack1("l", offset: 32))
    # @return [Symbol, nil] :fp32, :bf16, :int8, ...; nil where no model ran
    def precision = Names.of(:precision, @bytes.unpack1("l", offset: 36))
    # @return [Integer] how it rounded; scores of one number are the same bits
    def numerics = @bytes.unpack1("l", offset: 40)
    # @return [Integer] features that were missing and took their default
    def defaulted = @bytes.unpack1("L", offset: 44)
    # @return [Integer] features that an encoding's clip changed
    def clipped = @bytes.unpack1("L", offset: 48)

    # @return [Integer, nil] index of the device that ran; nil where none did
    def device
      index = @bytes.unpack1("l", offset: 52)
      index unless index.negative?
    end

    # @return [Integer] the first eight bytes of the manifest's sha256: which bundle answered
    def bundle = @bytes.unpack1("Q", offset: 56)
    # @return [Integer] nanoseconds that it waited for a context
    def queue_ns = @bytes.unpack1("q", offset: 64)
    # @return [Integer] nanoseconds that it was encoded and run
    def run_ns = @bytes.unpack1("q", offset: 72)
    # @return [String] the bundle's version
    def version = @bytes.unpack1("Z32", offset: 80).force_encoding(Encoding::UTF_8)

    # @param name [Symbol, String] an output that Call.new(outputs:) named
    # @return [Array<Float>]
    # @raise [KeyError]
    def output(name) = outputs.fetch(name.to_s.to_sym)

    # @return [Hash{Symbol => Object}]
    def to_h
      { status: status, score: score, probability: probability, band: band, reason: reason, backend: backend,
        precision: precision, numerics: numerics, defaulted: defaulted, clipped: clipped, device: device,
        bundle: bundle, queue_ns: queue_ns, run_ns: run_ns, version: version }
    end

    # @return [String]
    def to_json(*arguments) = to_h.to_json(*arguments)

    # For pattern matching.
    # @return [Hash{Symbol => Object}]
    def deconstruct_keys(_keys) = to_h

    # @return [String]
    def inspect = "#<Weighbridge::Result #{to_h.map { |name, value| "#{name}=#{value.inspect}" }.join(" ")}>"

    # @return [String] a wb_result
    # @private
    attr_reader :bytes

    private

    def outputs = {}
  end

  # One whose call asked for outputs.
  # @private
  class ResultWithOutputs < Result
    # @param result [Result]
    # @param outputs [Hash{Symbol => Array<Float>}]
    def initialize(result, outputs)
      @outputs = outputs
      super(result.bytes)
    end

    private

    attr_reader :outputs
  end
  private_constant :ResultWithOutputs
end
