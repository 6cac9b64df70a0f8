# frozen_string_literal: true
# SPDX-License-Identifier: Apache-2.0

require "logger"
require "open3"
require "rbconfig"
require "stringio"
require_relative "../signatures"
require_relative "fake_helper"

class FakeTest < Minitest::Test
  # The fake's rows have no bytes, and it knows nothing of encodings and bundles.
  NOT_HERE = { "Weighbridge::Feature" => ["#offset"], "Weighbridge::Row" => ["#bytes"],
               "Weighbridge::Schema" => ["#encode"] }.freeze
  NOWHERE = %w[Weighbridge::Tensor Weighbridge::Bundle].freeze

  def test_everything_that_the_binding_has_is_here
    Signatures.read.except(*NOWHERE).each do |name, signed|
      of = Object.const_get(name)
      # A Struct's members are signed by their accessors.
      missing = signed.reject do |it|
        it.start_with?(".") ? of.respond_to?(it[1..]) : of.method_defined?(it[1..]) || it == "#initialize"
      end
      assert_equal NOT_HERE.fetch(name, []), missing, name
    end
  end

  def test_scores_in_turn_by_row_and_by_hash
    one = model(score: [0.97, 0.02], rows: [{ row: { **PAYMENT, amount_minor: 1 }, score: 0.5 }])
    scores = [PAYMENT, { **PAYMENT, amount_minor: 1 }, PAYMENT, PAYMENT].map { |it| one.score(it).score }
    [0.97, 0.5, 0.02, 0.97].zip(scores) { |expected, score| assert_in_delta expected, score, 1e-6 }
    assert_equal model.score(PAYMENT).score, model.score(**PAYMENT.to_a.reverse.to_h).score
    refute_equal model.score(PAYMENT).score, model.score(**PAYMENT, amount_minor: 2).score
  end

  def test_a_result_says_what_it_is
    result = model(score: 0.25).score(amount_minor: 1, country: "DE", online: false)
    assert_predicate result, :frozen?
    assert_equal [:ok, 0.25, 1, :fake, "mlp"], result.to_h.values_at(:status, :score, :defaulted, :backend, :version)
    assert_equal model.schema.bands.index { |it| it.below > 0.25 }, result.band
    assert_raises(KeyError) { result.output(:fraud) }
  end

  def test_every_status_of_the_library
    codes = ObjectSpace.each_object(Weighbridge::Error.singleton_class).select(&:code)
    assert_equal (-22..-1).to_a, codes.map(&:code).sort
    codes.each do |kind|
      one = model(failures: [{ status: kind.code_name, message: "so it is" }])
      error = assert_raises(kind) { one.score(PAYMENT) }
      assert_equal [kind.code, kind.code_name, "so it is"], [error.code, error.code_name, error.message]
      assert_raises(kind) { one.async(PAYMENT).value }
      assert_raises(kind) { model(load: { status: kind.code_name }) }
    end
  end

  def test_fallbacks
    { "WB_BACKEND_FAILED" => :backend, "WB_INTERNAL" => :backend, "WB_OUT_OF_MEMORY" => :backend,
      "WB_OVERLOADED" => :overload, "WB_DEADLINE_EXCEEDED" => :deadline }.each do |status, reason|
      one = model(score: 0.5, fallback: 0.01, failures: [{ status: status, every: 2, times: 1 }])
      results = Array.new(4) { one.score(PAYMENT) }
      assert_equal [nil, reason, nil, nil], results.map(&:reason)
      assert_equal [:fallback, 0.01, nil], results[1].to_h.values_at(:status, :score, :backend)
    end
    one = model(fallback: 0.01, failures: [{ status: "WB_OVERLOADED" }])
    assert_raises(Weighbridge::Overloaded) { one.score(PAYMENT, call: Weighbridge::Call.new(fallback: false)) }
  end

  def test_latencies_and_deadlines
    slow = model(score: 0.5, latency_us: 60_000_000, fallback: 0.01)
    assert_equal :deadline, slow.score(PAYMENT, deadline: 0.001).reason
    assert_equal :deadline, model(fallback: 0.01).score(PAYMENT, deadline: -1).reason
    assert_raises(Weighbridge::DeadlineExceeded) { model(latency_us: 60_000_000).score(PAYMENT, deadline: 0.001) }
    engine = Weighbridge::Engine.new(default_deadline_us: 1000)
    assert_equal :deadline, model(engine: engine, latency_us: 60_000_000, fallback: 0.01).score(PAYMENT).reason
    took = model(latency_us: 20_000).score(PAYMENT).run_ns
    assert_operator took, :>=, 20_000_000
    assert_raises(Weighbridge::InvalidArgument) { slow.score(PAYMENT, deadline: "soon") }
  end

  def test_async_calls_go_on_beside_the_caller_and_are_cancelled
    slow = model(score: 0.5, latency_us: 60_000_000)
    token = Weighbridge::Cancel.new
    futures = [slow.async(PAYMENT), slow.async(PAYMENT, call: Weighbridge::Call.new(cancel: token))]
    assert_equal [false, false], futures.map(&:done?)
    assert futures[0].cancel
    token.set
    futures.each { |it| assert_raises(Weighbridge::Cancelled) { it.value } }
    refute futures[0].cancel
    assert_equal 0.5, model(score: 0.5, latency_us: 1000).async(PAYMENT).value.score
    assert_raises(Weighbridge::NotFound) { slow.async(amount: 1).value }
  end

  def test_many_payments
    one = model(score: 0.5, fallback: 0.01, failures: [{ status: "WB_BACKEND_FAILED", every: 3 }])
    wrong = [PAYMENT, { **PAYMENT, amount_minor: "1" }, PAYMENT, { amount: 1 }, {}, PAYMENT]
    batch = one.score_all(wrong, window: 4)
    assert_equal [0.5, 0.5, 0.01], batch.scores.reject(&:nan?)
    assert_equal({ 1 => :amount_minor, 3 => nil, 4 => :amount_minor }, batch.errors.transform_values(&:feature))
    assert_equal [[5], [1, 3, 4]], [batch.fallbacks, batch.errors.values.map(&:row)]
    columns = PAYMENT.transform_values { |it| [it] * 3 }
    assert_equal [0.5] * 3, model(score: 0.5).score_all(columns).scores
    assert_raises(Weighbridge::Cancelled) { model(failures: [{ status: "WB_CANCELLED" }]).score_all(wrong) }
  end

  def test_rows
    one = model(score: 0.5)
    row = one.row.replace(PAYMENT)
    row[:age_days] = nil
    assert row.missing?("age_days")
    assert_equal '{"amount_minor":"<redacted>","country":"FR","online":true}', row.to_json
    assert_equal 0.5, one.score(row.dup.set_json('{"country": "DE"}')).score
    assert_raises(Weighbridge::InvalidInput) { row.set_json('{"amount": 1}') }
    assert_raises(Weighbridge::InvalidInput) { row.set_json("no JSON") }
    error = assert_raises(Weighbridge::NotFound) { row[:amount_minr] = 1 }
    assert_match(/near: amount_minor/, error.message)
    error = assert_raises(Weighbridge::InvalidInput) { row[:amount_minor] = "12345" }
    refute_match(/12345/, error.message)
    assert_raises(Weighbridge::InvalidInput) { one.score(:amount_minor => 1, "amount_minor" => 1) }
  end

  # Ruby has no type of money: what carries a currency is refused, and the schema tells which one a number is in.
  def test_money
    feature = model.schema[:amount_minor]
    assert_equal ["EUR", 2], [feature.currency, feature.money_exponent]
    money = Struct.new(:cents, :currency).new(1250, "USD")
    error = assert_raises(Weighbridge::InvalidInput) { model.score(**PAYMENT, amount_minor: money) }
    assert_equal :amount_minor, error.feature
  end

  def test_slots_are_swapped_and_rolled_back
    engine = Weighbridge::Engine.new
    slot = engine.slot("card", create: true)
    assert_raises(Weighbridge::NotLoaded) { slot.score(**PAYMENT) }
    row = slot.load(file).row.replace(PAYMENT)
    assert_equal "mlp", slot.score(row).version
    assert_equal "mlp-extra", engine.slot("card").load(file("mlp-extra")).score(row).version
    assert_raises(Weighbridge::SchemaChanged) { slot.load(file("mlp-usd")) }
    assert_raises(Weighbridge::SchemaChanged) { slot.load(file("mlp-renamed")) }
    script = '{"load": {"status": "WB_VERIFY_FAILED"}}'
    assert_raises(Weighbridge::VerifyFailed) { slot.load(file, fake_script: script) }
    assert_equal %w[mlp-extra mlp], slot.describe.values_at(:version, :previous_version)
    assert_equal "mlp", slot.rollback.model.describe[:version]
    assert_equal "mlp-v2", slot.swap(engine.load(file("mlp-v2"))).score(**PAYMENT).version
    slot.forget_previous
    assert_raises(Weighbridge::NotLoaded) { slot.rollback }
    assert_raises(Weighbridge::SchemaMismatch) { slot.score(model("mlp-renamed").row) }
    error = assert_raises(Weighbridge::NotFound) { engine.slot("crad") }
    assert_match(/card/, error.message)
    engine.close
    assert_raises(Weighbridge::Closed) { slot.score(**PAYMENT) }
  end

  def test_figures_events_and_freed_models
    Weighbridge::Engine.open do |engine|
      slot = engine.slot(:card, create: true).load(file)
      2.times { slot.score(**PAYMENT) }
      assert_raises(Weighbridge::InvalidInput) { slot.score(amount_minor: 1) }
      assert_equal [3, 2, 1], slot.describe.values_at(:requests, :rows, :invalid)
      assert_equal [3, 2, 1], engine.snapshot.values_at(:requests, :rows, :invalid)
      assert_match(/^weighbridge_slot_version_requests_total\{slot="card",version="mlp",bundle="\h{16}"\} 3$/, engine.metrics)
      assert_raises(Weighbridge::FileError) { slot.load("/nowhere.json") }
      engine.log_to(Logger.new(said = StringIO.new))
      assert_match(/INFO .*weighbridge card: mlp serves/, said.string)
      assert_match(/ERROR .*weighbridge card: .*nowhere/, said.string)
      assert_equal [[], 0], engine.events
      assert_raises(Weighbridge::InvalidHandle) { engine.load(file).tap(&:free).score(PAYMENT) }
    end
  end

  def test_swaps_under_threads
    slot = Weighbridge::Engine.new.slot("card", create: true).load(file, fake_script: '{"score": 0.25}')
    done = false
    threads = Array.new(4) do
      Thread.new do
        seen = []
        until done
          result = slot.score(**PAYMENT)
          seen |= [[result.version, result.score]]
        end
        seen
      end
    end
    50.times { |i| slot.load(file(i.odd? ? "mlp" : "mlp-v2"), fake_script: %({"score": #{i.odd? ? 0.25 : 0.5}})) }
    done = true
    assert_empty threads.flat_map(&:value).uniq - [["mlp", 0.25], ["mlp-v2", 0.5]]
  end

  def test_wrong_files_and_scripts
    engine = Weighbridge::Engine.new
    { "[]" => "other JSON", "{}" => "other JSON", "no" => "no JSON" }.each do |text, found|
      error = assert_raises(Weighbridge::InvalidBundle) { engine.load({ "card.json" => text }) }
      assert_match(/card\.json: .*#{found}/, error.message)
    end
    assert_match(/got a folder/, assert_raises(Weighbridge::InvalidBundle) { engine.load(ROOT) }.message)
    ["[]", '{"scores": 1}', '{"score": "high"}', '{"failures": [{"status": "WB_OK"}]}', '{"failures": [{}]}',
     '{"rows": [{}]}', '{"rows": [{"row": {"amount": 1}, "score": 1}]}', '{"rows": [{"row": {}, "score": 1}]}',
     '{"fallback": "low"}', "no"].each do |script|
      error = assert_raises(Weighbridge::InvalidArgument, script) { engine.load(file, fake_script: script) }
      assert_match(/\Afake_script: /, error.message)
    end
  end

  # Two of them in one process would be taken for each other.
  def test_it_is_refused_beside_the_binding
    lib = File.expand_path("../../lib", __dir__)
    out, = Open3.capture2e(RbConfig.ruby, "-I", lib, "-e", <<~RUBY)
      module Weighbridge; module Native; end; end
      begin
        require "weighbridge/fake"
      rescue LoadError => e
        print e.message
      end
    RUBY
    assert_match(/expected to be required before weighbridge/, out)
  end
end
