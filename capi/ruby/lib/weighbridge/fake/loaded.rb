# frozen_string_literal: true
# SPDX-License-Identifier: Apache-2.0

module Weighbridge
  # Counters of an engine, or of a version in a slot.
  class Figures
    NAMES = %i[requests rows fallbacks overloaded expired invalid failed].freeze
    BY_ERROR = { InvalidInput => :invalid, Overloaded => :overloaded, DeadlineExceeded => :expired }.freeze
    private_constant :BY_ERROR

    def initialize
      @mutex = Mutex.new
      @counts = NAMES.to_h { |name| [name, 0] }
    end

    def count(result, error)
      @mutex.synchronize do
        @counts[:requests] += 1
        @counts[BY_ERROR.fetch(error.class, :failed)] += 1 if error
        @counts[:rows] += 1 if result
        @counts[:fallbacks] += 1 if result&.fallback?
      end
    end

    def to_h = @mutex.synchronize { @counts.dup }
  end
  private_constant :Figures

  # What a model and the slots that serve it share: schema and script.
  class Loaded
    # Why the fallback answers in the place of an error.
    REASONS = { BackendFailed => :backend, Internal => :backend, OutOfMemory => :backend, Overloaded => :overload,
                DeadlineExceeded => :deadline }.freeze
    # Errors of one payment; others end a batch.
    OF_A_ROW = [InvalidInput, *REASONS.keys].freeze
    private_constant :REASONS

    attr_reader :schema, :script, :version

    def initialize(bundle, script)
      @schema = Schema.load(bundle)
      @version = @schema.file_name
      @script = Script.new(script, @schema)
      @bundle = Zlib.crc32(@version)
    end

    def describe
      { name: @version, version: @version, backend: :fake, precision: :fake, numerics: 0, contexts: 1, signers: 0,
        weight_bytes: 0, context_bytes: 0, not_after_s: 0, bundle_sha256: "", plan_sha256: "",
        signed_by: "" }.freeze
    end

    # @param figures [Array<Figures>]
    # @param token [Cancel, nil] a future's
    def run(row, deadline, call, figures, token = nil)
      result = answer(row, deadline, call, [call&.cancel, token].compact)
    rescue Error => e
      raise
    ensure
      figures.each { |it| it.count(result, e) }
    end

    attr_reader :bundle

    private

    def answer(row, deadline, call, cancels)
      began = Clock.now
      values = row.for(@schema)
      begin
        Clock.spend(0, deadline, cancels)
        run = @script.next(values)
        Clock.spend(run.latency, deadline, cancels)
        raise run.error.class, run.error.message if run.error
      rescue *REASONS.keys => e
        raise if @script.fallback.nil? || call && !call.fallback?

        return result(values, @script.fallback, began, reason: REASONS.fetch(e.class))
      end
      result(values, run.score, began)
    end

    def result(values, score, began, reason: nil)
      model = reason ? nil : :fake
      Result.new(status: reason ? :fallback : :ok, score: score, probability: score, band: @schema.band_of(score),
                 reason: reason, backend: model, precision: model, numerics: 0,
                 defaulted: @schema.features.count { |it| values[it.name].nil? }, clipped: 0, device: (0 if model),
                 bundle: @bundle, queue_ns: 0, run_ns: ((Clock.now - began) * 1e9).to_i, version: @version)
    end
  end
  private_constant :Loaded
end
