# frozen_string_literal: true
# SPDX-License-Identifier: Apache-2.0

# In tests, in the place of weighbridge: the same calls in pure Ruby, without ffi and without the library, for machines
# that the library does not run on. What is loaded is a file that `weighbridge codegen DIR --json` wrote; what answers is a
# script, as that of the library's engine fake.
#
#     require "weighbridge/fake"    # before what requires weighbridge
#     slot = Weighbridge::Engine.new.slot("card", create: true)
#     slot.load("test/card.json", fake_script: '{"score": [0.97, 0.02]}')
#     slot.score(amount_minor: 1250, country: "DE")
#
# Names, types, required features are checked; ranges, vocabularies and the like are the library's to check.
raise LoadError, "weighbridge/fake: expected to be required before weighbridge, in tests alone" if
  defined?(Weighbridge::Native)

# What requires weighbridge from now on has it.
$LOADED_FEATURES << "weighbridge.rb"

require_relative "version"
require_relative "errors"
require_relative "future"
require_relative "batch"
require_relative "payments"
require_relative "fake/handle"
require_relative "fake/feature"
require_relative "fake/schema"
require_relative "fake/row"
require_relative "fake/script"
require_relative "fake/call"
require_relative "fake/result"
require_relative "fake/loaded"
require_relative "fake/scoring"
require_relative "fake/slot"
require_relative "fake/engine"
