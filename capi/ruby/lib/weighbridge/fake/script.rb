# frozen_string_literal: true
# SPDX-License-Identifier: Apache-2.0

module Weighbridge
  # What answers in the place of a model: the script of the library's engine fake (weighbridge/c/model.h), and besides
  # "fallback", the bundle's fallback score, which codegen does not tell.
  class Script
    # A run's end: after latency seconds a score, or an error.
    Run = Struct.new(:latency, :score, :error)
    # One of an array of failures.
    Failure = Struct.new(:error, :every, :times) do
      def due?(run) = (run % every).zero? && run / every <= times
    end
    FIELDS = %w[score latency_us rows failures load fallback].freeze
    ERRORS = Weighbridge.constants.map { |name| Weighbridge.const_get(name) }
                        .select { |it| it.is_a?(Class) && it < Error && it.code }.to_h { |it| [it.code_name, it] }.freeze
    private_constant :Run, :Failure, :FIELDS, :ERRORS

    # @param text [String, nil] JSON
    def initialize(text, schema)
      script = text.nil? ? {} : JSON.parse(text)
      wrong("expected an object of #{FIELDS.join(", ")}") unless script.is_a?(Hash) && (script.keys - FIELDS).empty?
      @schema = schema
      @scores = scores(script.fetch("score", "hash"))
      @latencies = Array(script.fetch("latency_us", 0)).map { |it| number(it) / 1e6 }
      @rows = script.fetch("rows", []).map { |it| [row(it.fetch("row")), it] }
      @failures = script.fetch("failures", []).map { |it| Failure.new(error(it), it.fetch("every", 1), it.fetch("times", Float::INFINITY)) }
      @load = script.fetch("load", {})
      @fallback = number(script["fallback"]) if script.key?("fallback")
      @runs = @given = 0
      @mutex = Mutex.new
    rescue JSON::ParserError, KeyError, TypeError, NoMethodError, NotFound, InvalidInput => e
      wrong(e.message)
    end

    # @return [Float, nil]
    attr_reader :fallback

    # @return [Boolean] whether no run takes time
    def instant? = @latencies.all?(&:zero?) && @rows.none? { |_, it| it["latency_us"] }

    # Lets a load end as it is to end.
    def load(deadline, cancels)
      Clock.spend(number(@load.fetch("latency_us", 0)) / 1e6, deadline, cancels)
      raise error(@load) if @load["status"]
    end

    # What the next run comes to.
    # @param values [Hash{Symbol => Object}]
    def next(values)
      @mutex.synchronize do
        own = @rows.find { |row, _| row == values }&.last || {}
        latency = own["latency_us"] ? own["latency_us"] / 1e6 : @latencies[@runs % @latencies.size]
        @runs += 1
        next Run.new(latency, nil, error(own)) if own["status"]
        next Run.new(latency, single(own["score"]), nil) if own["score"]

        failure = @failures.find { |it| it.due?(@runs) }
        failure ? Run.new(latency, nil, failure.error) : Run.new(latency, score(values), nil)
      end
    end

    private

    def wrong(why) = raise(InvalidArgument, "fake_script: #{why}")

    def number(value) = value.is_a?(Numeric) ? value.to_f : wrong("expected a number, got #{value.inspect}")

    def scores(given) = given == "hash" ? nil : Array(given).map { |it| single(number(it)) }

    def row(named) = @schema.row.set(named).for(@schema)

    def error(given)
      kind = ERRORS[given.fetch("status")] || wrong("expected the name of an error, got #{given["status"].inspect}")
      kind.new(given.fetch("message", "the fake engine's script says so"))
    end

    def score(values)
      return single(Zlib.crc32(values.inspect) / 2.0**32) if @scores.nil?

      @given += 1
      @scores[(@given - 1) % @scores.size]
    end

    # As the library's outputs: float32.
    def single(score) = [score].pack("f").unpack1("f")
  end
  private_constant :Script
end
