# frozen_string_literal: true
# SPDX-License-Identifier: Apache-2.0
# The environment names what the build made: WEIGHBRIDGE_LIBRARY, and WB_FIXTURES, the folder of make_fixture.

require "minitest/autorun"
require "open3"
require "rbconfig"
require "tmpdir"
require "weighbridge"

# What the tests share.
module Support
  ROOT = File.expand_path("../../..", __dir__)
  LIBRARY = ENV.fetch("WEIGHBRIDGE_LIBRARY")
  FIXTURES = ENV.fetch("WB_FIXTURES")
  EXAMPLES = "#{ROOT}/examples/bundles"
  DRAFTS = "#{ROOT}/tests/conformance/drafts"
  PAYMENT = { amount_minor: 1250, age_days: 2.5, country: "FR", online: true }.freeze
  SCORE = 0.898105066
  FULL = ENV["WB_FULL"] == "1"

  def fixture(name = "mlp") = "#{FIXTURES}/#{name}"

  # An engine of one context, that a test may fill.
  def with_engine(**options, &block) = Weighbridge::Engine.open(devices: "cpu=1", **options, &block)

  def with_model(name = "mlp", **options)
    with_engine(**options) { |engine| yield engine.load(fixture(name)), engine }
  end

  # A model of some 40 us a payment, and its golden payments.
  def with_slow_model(**options)
    with_engine(**options) do |engine|
      payments = File.foreach("#{EXAMPLES}/card-transformer/golden.jsonl").map { |it| JSON.parse(it)["row"] }
      yield engine.load("#{EXAMPLES}/card-transformer"), payments, engine
    end
  end

  # A thread whose batch is one long call into the library.
  def long_call(model, payments, **options)
    Thread.new { model.score_all(payments * (2000 / payments.size), window: 2000, deadline: 60, **options) }
  end

  # Runs Ruby code in a process of its own, with the binding loaded.
  # @return [String] its output; the test fails where it failed
  def ruby(code, env = {}, *flags)
    out, status = Open3.capture2e(env, RbConfig.ruby, "-I", "#{__dir__}/../lib", *flags, "-e", code)
    assert status.success?, out
    out
  end

  # A C compiler's shared library of some lines.
  def build_library(dir, code)
    path = "#{dir}/libweighbridge.so.1"
    out, status = Open3.capture2e("cc", "-shared", "-fPIC", "-x", "c", "-", "-o", path, stdin_data: code)
    assert status.success?, out
    path
  end

  # Waits until the block is true; generous, since machines are busy.
  def eventually(seconds = 30)
    ends = Process.clock_gettime(Process::CLOCK_MONOTONIC) + seconds
    until (it = yield)
      flunk "not within #{seconds} s" if Process.clock_gettime(Process::CLOCK_MONOTONIC) > ends
      sleep 0.002
    end
    it
  end

  # Runs the block in a forked child.
  # @return [String] what it returned, as text
  def in_child
    reader, writer = IO.pipe
    pid = fork do
      reader.close
      writer.write(begin
        yield.to_s
      rescue Exception => e # rubocop:disable Lint/RescueException
        "#{e.class}: #{e.message}"
      end)
      writer.close
      exit!(0)
    end
    writer.close
    said = reader.read
    Process.wait(pid)
    said
  end
end

Minitest::Test.include(Support)
