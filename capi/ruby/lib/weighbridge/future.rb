# frozen_string_literal: true
# SPDX-License-Identifier: Apache-2.0

module Weighbridge
  # The answer of an async call. value waits for it; under a fiber scheduler only the fiber does.
  class Future
    # @private
    def self.resolved(result) = new.resolve(result, nil)
    # @private
    def self.failed(error) = new.resolve(nil, error)

    # @private
    # @param cancel [Proc, nil] asks the library to end it
    def initialize(&cancel)
      @gate = Thread::Queue.new
      @pid = Process.pid if cancel
      @cancel = cancel
    end

    # @return [Result] when it is there
    # @raise [Error] what score would have raised
    def value
      wait
      raise @error if @error

      @result
    end

    # Waits until it is answered.
    # @return [self]
    # @raise [Forked] its answer went to the parent process
    def wait
      raise Forked, "the process forked while this call was under way: its answer is the parent's" if
        !done? && @pid != Process.pid

      # Closed once there is an answer, the gate lets everybody through.
      @gate.pop
      self
    end

    # @return [Boolean]
    def done? = @gate.closed?

    # Asks for its end: it is answered soon after, with Cancelled, or with what came first.
    # @return [Boolean] false where it was complete
    def cancel = !done? && @cancel.call

    # @return [String]
    def inspect = "#<#{self.class.name} #{done? ? "done" : "under way"}>"

    # @private
    def resolve(result, error)
      @result = result
      @error = error
      @gate.close
      self
    end
  end
end
