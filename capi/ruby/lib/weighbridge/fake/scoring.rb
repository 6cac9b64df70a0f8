# frozen_string_literal: true
# SPDX-License-Identifier: Apache-2.0

module Weighbridge
  # What scores: a Model, or a Slot with the model that it serves.
  module Scoring
    def score(payment = nil, deadline: nil, call: nil, **features)
      run(row_of(payment, features), engine.deadline(deadline), call)
    end

    def async(payment = nil, deadline: nil, call: nil, **features)
      row = row_of(payment, features).dup
      deadline = engine.deadline(deadline)
      return Future.resolved(run(row, deadline, call)) if serving.script.instant?

      token = Cancel.new
      future = Future.new { token.set && true }
      Thread.new { complete(future) { run(row, deadline, call, token) } }
      future
    rescue Error => e
      Future.failed(e)
    end

    def score_all(payments, deadline: nil, call: nil, window: 1024, outputs: [])
      raise InvalidArgument, "window: expected an Integer above 0, got #{window.inspect}" unless
        window.is_a?(Integer) && window.positive?
      raise InvalidArgument, "outputs: expected none, which the fake has not" unless outputs.empty?

      deadline = engine.deadline(deadline)
      answers = []
      Payments.of(schema, payments).each_window(window) do |_, rows|
        rows.each { |values| answers << answer(values, answers.size, deadline, call) }
      end
      batch(answers)
    end

    def row(tail_bytes: 512) = schema.row(tail_bytes: tail_bytes)

    private

    def row_of(payment, features)
      return payment if payment.is_a?(Row) && features.empty?

      raise InvalidArgument, "payment: expected a Row, a Hash or keywords, not two of them" unless
        payment.nil? || features.empty?
      raise InvalidArgument, "payment: expected a Row, a Hash or keywords, got #{payment.class}" unless
        payment.nil? || payment.respond_to?(:to_hash)

      schema.row.replace(payment ? payment.to_hash : features)
    end

    def run(row, deadline, call, token = nil)
      loaded, figures = target
      loaded.run(row, deadline, call, [engine.figures, *figures], token)
    end

    def complete(future)
      future.resolve(yield, nil)
    rescue Error => e
      future.resolve(nil, e)
    end

    def answer(values, place, deadline, call)
      raise values if values.is_a?(Error)

      run(schema.row.fill(values), deadline, call)
    rescue *Loaded::OF_A_ROW, NotFound => e
      e.class.new(e.message, code: e.code, feature: e.feature, row: place)
    end

    def batch(answers)
      errors = answers.each_with_index.select { |it, _| it.is_a?(Error) }.to_h(&:reverse)
      results = answers.map { |it| it unless it.is_a?(Error) }
      Batch.new(results.map { |it| it ? it.score : Float::NAN }, results.map { |it| it ? it.probability : Float::NAN },
                results.map { |it| it&.band }, results.each_index.select { |at| results[at]&.fallback? }, errors,
                results.compact.map(&:version).uniq, {})
    end
  end

  # One loaded version of a bundle.
  class Model < Handle
    include Scoring
    attr_reader :engine

    def initialize(engine, loaded)
      super()
      @engine = engine
      @loaded = loaded
    end

    def schema = serving.schema
    def describe = serving.describe

    # What it stands for.
    def serving
      check_alive
      @engine.check_open
      @loaded
    end

    private

    def target = [serving, nil]
  end
end
