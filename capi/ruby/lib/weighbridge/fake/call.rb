# frozen_string_literal: true
# SPDX-License-Identifier: Apache-2.0

module Weighbridge
  # A flag that ends calls early.
  class Cancel < Handle
    def set
      @set = true
      self
    end

    def clear
      @set = false
      self
    end

    def set? = @set == true
  end

  # Options of calls.
  class Call < Handle
    attr_reader :cancel

    def initialize(priority: :normal, fallback: true, cancel: nil, wait: true, outputs: [])
      raise InvalidArgument, "priority: expected :normal or :high, got #{priority.inspect}" unless
        %i[normal high].include?(priority)
      raise InvalidArgument, "outputs: expected none, which the fake has not" unless outputs.empty?

      @fallback = fallback
      @cancel = cancel
      @wait = wait
    end

    def fallback? = @fallback
  end
end
