# frozen_string_literal: true
# SPDX-License-Identifier: Apache-2.0

module Weighbridge
  # What scores: a Model, or a Slot with the model that it serves. For any number of threads; the GVL is released.
  module Scoring
    # Scores a payment on this thread.
    #
    #     slot.score(amount_minor: 1250, country: "DE", deadline: 0.005)
    #     slot.score(row, deadline: 0.005)
    #     slot.score({ "deadline" => 3 }, deadline: 0.005)   # names as they come, also those of the options
    #
    # @param payment [Row, Hash, nil] a filled row, or names and values
    # @param deadline [Numeric, nil] seconds from now, after which the bundle's fallback answers; nil: the engine's own
    # @param call [Call, nil] priority, cancel token and the like
    # @param features [Hash] the payment by keywords
    # @return [Result]
    # @raise [Error]
    def score(payment = nil, deadline: nil, call: nil, **features)
      deadline_ns = deadline.nil? ? Native::DEFAULT_DEADLINE : Arguments.deadline_ns(deadline)
      return score_with(payment, features, deadline_ns, call) if call
      return payment.score_by(self, deadline_ns, nil) if Row === payment && features.empty?

      with_row(payment, features) { |row| row.score_by(self, deadline_ns, nil) }
    end

    # Scores a payment without holding up the thread: here and now where a context is free, else on a thread of the
    # engine's. As score, but that every error of it comes from Future#value.
    # @return [Future]
    def async(payment = nil, deadline: nil, call: nil, **features)
      deadline_ns = Arguments.deadline_ns(deadline)
      raise InvalidArgument, "call: expected one without outputs, which async has none of" if
        Arguments.handle(call, Call, "call")&.outputs?

      lend(payment, features) { |row| attempt(row, deadline_ns, call) }
    rescue Error => e
      Future.failed(e)
    end

    # Scores many payments, a window at a time: between windows Ruby's threads, signals and timeouts get their turn.
    # @param payments [Array<Hash>, Hash{Symbol => Array}] payments, or columns of one length
    # @param deadline [Numeric, nil] seconds from now for all of them
    # @param call [Call, nil]
    # @param window [Integer] payments of one call into the library
    # @param outputs [Array<Schema::Output>] those of Schema#outputs that Batch#output is to have
    # @return [Batch] a payment that was refused has an error of its own; the others are answered all the same
    # @raise [Error]
    def score_all(payments, deadline: nil, call: nil, window: 1024, outputs: [])
      raise InvalidArgument, "window: expected an Integer above 0, got #{window.inspect}" unless
        window.is_a?(Integer) && window.positive?

      deadline_ns = Arguments.deadline_ns(deadline)
      Arguments.handle(call, Call, "call")
      schema = current_schema
      run = Windows.new(self, schema, outputs)
      Payments.of(schema, payments).each_window(window) { |first, rows| run.score(first, rows, deadline_ns, call) }
      run.batch
    end

    # An empty row of the schema, to be filled and scored again and again.
    # @param tail_bytes [Integer] room for texts and sequences to begin with
    # @return [Row]
    def row(tail_bytes: 512) = schema.row(tail_bytes: tail_bytes)

    private

    def current_schema = schema

    # With outputs the call is for one thread too: they lie in its memory.
    def score_with(payment, features, deadline_ns, call)
      outputs = Arguments.handle(call, Call, "call").outputs?
      call.refuse_if_taken
      mine = call.holder = Thread.current if outputs
      result = lend(payment, features) { |row| row.score_by(self, deadline_ns, call) }
      outputs && !result.fallback? ? ResultWithOutputs.new(result, call.read_outputs) : result
    ensure
      call.holder = nil if mine
    end

    def lend(payment, features, &block)
      Row === payment && features.empty? ? yield(payment) : with_row(payment, features, &block)
    end

    def attempt(row, deadline_ns, call)
      row.refuse_if_taken if row.holder
      mine = row.holder = Thread.current
      status = native_score(row.result, row.data, deadline_ns, (call || row).immediate, row.error)
      return engine.completions.submit(row, deadline_ns, call, self) if status == Native::WOULD_WAIT
      raise Error.from(status, row.error, row.schema) if status.negative?

      Future.resolved(Result.new(row.result.get_bytes(0, Native::RESULT_BYTES)))
    ensure
      row.holder = nil if mine
    end

    def with_row(payment, features)
      features = named(payment, features) unless payment.nil?
      schema.borrow { |row| yield row.replace(features) }
    end

    def named(payment, features)
      raise InvalidArgument, "payment: expected a Row, a Hash or keywords, not two of them" unless features.empty?
      raise InvalidArgument, "payment: expected a Row, a Hash or keywords, got #{payment.class}" unless
        payment.respond_to?(:to_hash)

      Arguments.hash(payment, "payment")
    end
  end
end
