# frozen_string_literal: true
# SPDX-License-Identifier: Apache-2.0
# What the service answers, without a model and without a server, in milliseconds:
#
#     ruby -I capi/ruby/lib examples/ruby/payment_service_test.rb                      # on the library's engine fake
#     ruby -I capi/ruby/lib -r weighbridge/fake examples/ruby/payment_service_test.rb  # without the library

require "minitest/autorun"
require "stringio"
require "tmpdir"
require_relative "payment_service"

class PaymentServiceTest < Minitest::Test
  BEGAN = Process.clock_gettime(Process::CLOCK_MONOTONIC)
  # The suite takes a tenth of a second; machines are busy.
  MOST_SECONDS = 2
  # What the pure fake loads is what codegen wrote of the bundle.
  PURE = !defined?(FFI)
  BUNDLE = PURE ? "#{__dir__}/card-transformer.json" : File.expand_path("../bundles/card-transformer", __dir__)
  PAYMENT = { paid_at: "2026-01-01T01:00:00Z", amount_minor: 249_900, abroad: true, country: "DE", mcc: 5732,
              entry_mode: "ecommerce" }.freeze

  Minitest.after_run do
    took = Process.clock_gettime(Process::CLOCK_MONOTONIC) - BEGAN
    said = format("%s: %.2f s, expected less than %d", PURE ? "without the library" : "engine fake", took, MOST_SECONDS)
    took < MOST_SECONDS ? puts(said) : abort(said)
  end

  def setup = @log = StringIO.new

  # @param script [Hash] what answers; the pure fake is told the bundle's fallback score too
  def service(bundle = BUNDLE, **script)
    script[:fallback] = 0.00695 if PURE
    PaymentService.new(bundle, logger: Logger.new(@log),
                               loading: { engines: "fake", fake_script: JSON.generate(script) })
  end

  def call(service, method, path, body = "")
    status, headers, parts = service.call("REQUEST_METHOD" => method, "PATH_INFO" => path,
                                          "rack.input" => StringIO.new(body))
    json = headers["Content-Type"].include?("json")
    [status, json ? JSON.parse(parts.join, symbolize_names: true) : parts.join]
  end

  def authorise(service, payment = PAYMENT) = call(service, "POST", "/authorise", JSON.generate(payment))

  def test_decisions_follow_the_score
    one = service(score: [0.02, 0.6, 0.999])
    answers = Array.new(3) { authorise(one) }
    assert_equal [200], answers.map(&:first).uniq
    assert_equal([0.02, 0.6, 0.999], answers.map { |_, it| it[:score].round(6) })
    assert_equal %w[approve decline], answers.map { |_, it| it[:decision] }.values_at(0, 2)
    assert_equal [nil], answers.map { |_, it| it[:fallback] }.uniq
  end

  def test_what_is_wrong_with_a_payment_is_the_callers
    one = service(score: 0.5)
    { { **PAYMENT, amount_minor: "2499" } => "amount_minor", PAYMENT.except(:country) => "country",
      { **PAYMENT, abroad: 2 } => "abroad", { **PAYMENT, amount_eur: 19 } => nil, [] => nil }.each do |payment, feature|
      status, answer = authorise(one, payment)
      assert_equal [422, feature], [status, answer[:feature]], answer
    end
    assert_equal 422, call(one, "POST", "/authorise", "no JSON").first
    assert_equal 404, call(one, "GET", "/nowhere").first
  end

  def test_the_fallback_answers_where_the_model_does_not
    { "WB_BACKEND_FAILED" => "backend", "WB_DEADLINE_EXCEEDED" => "deadline", "WB_OVERLOADED" => "overload" }
      .each do |error, reason|
        status, answer = authorise(service(failures: [{ status: error }]))
        assert_equal [200, reason, 0.00695], [status, answer[:fallback], answer[:score].round(6)], answer
      end
  end

  def test_a_model_that_is_slow_costs_no_more_than_the_budget
    status, answer = authorise(service(latency_us: 60_000_000))
    assert_equal [200, "deadline"], [status, answer[:fallback]]
  end

  def test_errors_without_an_answer
    { "WB_NOT_LOADED" => 503, "WB_CLOSED" => 503, "WB_CANCELLED" => 500, "WB_BUSY" => 500 }.each do |error, expected|
      status, answer = authorise(service(failures: [{ status: error, message: "as told" }]))
      assert_equal [expected, true], [status, answer[:error].include?("as told")], answer
    end
  end

  def test_health_and_metrics
    one = service(score: 0.5)
    authorise(one)
    status, answer = call(one, "GET", "/health")
    assert_equal [200, false], [status, answer[:version].empty?]
    status, text = call(one, "GET", "/metrics")
    assert_equal 200, status
    assert_match(/^weighbridge_slot_version_rows_total\{slot="card",version="[^"]+",bundle="\h{16}"\} 1$/, text)
  end

  def test_deployments
    Dir.mktmpdir do |dir|
      File.symlink(BUNDLE, link = "#{dir}/current")
      one = service(link, score: 0.5)
      refute one.deploy
      File.symlink("/nowhere", "#{link}.new")
      File.rename("#{link}.new", link)
      refute one.deploy
      assert_match(/not deployed/, @log.string)
      assert_equal 200, authorise(one).first
      assert_raises(Weighbridge::VerifyFailed) { service(load: { status: "WB_VERIFY_FAILED" }) }
    end
  end
end
