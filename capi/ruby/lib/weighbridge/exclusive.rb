# frozen_string_literal: true
# SPDX-License-Identifier: Apache-2.0

module Weighbridge
  # What one thread at a time may use: from before a call until its answer was read, others are refused, in the library's
  # words, which in_use has. (The library's own mark is gone before the answer is read, and a write needs no call.)
  #
  #     used.refuse_if_taken
  #     mine = used.holder = Thread.current  # nothing can be raised into the thread between the two assignments
  #     ...
  #   ensure
  #     used.holder = nil if mine
  # @private
  module Exclusive
    # @return [Thread, nil] whose call has it
    attr_accessor :holder

    # The threads of a forked process's parent are not alive in it.
    # @raise [Busy]
    def refuse_if_taken
      raise Busy, in_use if @holder&.alive?
    end
  end
  private_constant :Exclusive
end
