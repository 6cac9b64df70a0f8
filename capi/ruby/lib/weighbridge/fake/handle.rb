# frozen_string_literal: true
# SPDX-License-Identifier: Apache-2.0

module Weighbridge
  def self.load_library(_path = nil) = VERSION
  def self.system_info = '{"fake": true}'

  # What the library's objects have in common.
  class Handle
    def free
      @freed = true
      nil
    end

    def inspect = "#<#{self.class.name}>"

    def initialize_copy(_other)
      raise TypeError, "a #{self.class.name} cannot be copied"
    end

    private

    def check_alive
      raise InvalidHandle, "the #{self.class.name} was freed" if @freed
    end
  end

  # Time as calls take it.
  module Clock
    module_function

    def now = Process.clock_gettime(Process::CLOCK_MONOTONIC)

    # When a call is to end; nil for never.
    def deadline(seconds, default_us)
      return (now + default_us / 1e6 if default_us.positive?) if seconds.nil?
      return now + seconds if seconds.is_a?(Numeric) && seconds.real? && !(seconds.is_a?(Float) && seconds.nan?)

      raise InvalidArgument, "deadline: expected seconds, got #{seconds.inspect}"
    end

    # Lets time pass.
    # @raise [Cancelled, DeadlineExceeded]
    def spend(seconds, deadline, cancels)
      done = now + seconds
      loop do
        raise Cancelled, "cancelled while the fake model ran" if cancels.any?(&:set?)
        raise DeadlineExceeded, "the deadline passed while the fake model ran" if deadline && now >= deadline
        return if now >= done

        sleep([0.001, done - now].min.clamp(0, nil))
      end
    end
  end
  private_constant :Clock
end
