# frozen_string_literal: true
# SPDX-License-Identifier: Apache-2.0

# Weighbridge scores payments inside the payment service's own process.
#
#     Weighbridge::Engine.open do |engine|
#       slot = engine.slot("card", create: true).load("bundles/card")
#       result = slot.score(amount_minor: 1250, country: "DE", deadline: 0.005)
#       puts result.score
#     end
module Weighbridge
  # Finds and binds the native library; every object does it when it is first needed.
  # @param path [String, nil] the library; nil: WEIGHBRIDGE_LIBRARY, else what is installed, else what the gem carries
  # @return [String] the library's version
  # @raise [LibraryError] names each place that was tried, and what was found there
  def self.load_library(path = nil) = Native.load(path).version

  # What this machine and the library's build offer.
  # @return [String] JSON
  def self.system_info
    Native.load
    Handle.text { |out, error| Native.wb_system_info(out, error) }
  end
end

require_relative "weighbridge/version"
require_relative "weighbridge/errors"
require_relative "weighbridge/elf"
require_relative "weighbridge/library"
require_relative "weighbridge/native"
require_relative "weighbridge/structs"
require_relative "weighbridge/handle"
require_relative "weighbridge/options"
require_relative "weighbridge/exclusive"
require_relative "weighbridge/result"
require_relative "weighbridge/call"
require_relative "weighbridge/codec"
require_relative "weighbridge/feature"
require_relative "weighbridge/layout"
require_relative "weighbridge/row"
require_relative "weighbridge/schema"
require_relative "weighbridge/scoring"
require_relative "weighbridge/model"
require_relative "weighbridge/slot"
require_relative "weighbridge/future"
require_relative "weighbridge/completions"
require_relative "weighbridge/batch"
require_relative "weighbridge/payments"
require_relative "weighbridge/strided_rows"
require_relative "weighbridge/windows"
require_relative "weighbridge/tensors"
require_relative "weighbridge/engine"
require_relative "weighbridge/bundle"
