# frozen_string_literal: true
# SPDX-License-Identifier: Apache-2.0
# WB_SCHEMAS names a folder of what `weighbridge codegen --json` wrote, of each bundle of the cases. Neither ffi nor a
# library is needed.

require "minitest/autorun"
require "weighbridge/fake"
require "weighbridge"
raise "the fake is to do without ffi" if defined?(FFI)

# What the fake's tests share.
module Support
  ROOT = File.expand_path("../../../..", __dir__)
  SCHEMAS = ENV.fetch("WB_SCHEMAS")
  PAYMENT = { amount_minor: 1250, age_days: 2.5, country: "FR", online: true }.freeze

  def file(name = "mlp") = "#{SCHEMAS}/#{name}.json"

  # A model of the fixture mlp with a script.
  def model(name = "mlp", engine: Weighbridge::Engine.new, **script)
    engine.load(file(name), fake_script: JSON.generate(script))
  end
end

Minitest::Test.include(Support)
