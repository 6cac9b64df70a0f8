# frozen_string_literal: true
# SPDX-License-Identifier: Apache-2.0

require "bigdecimal"
require_relative "test_helper"

class ScoringTest < Minitest::Test
  def test_a_payment_by_keywords_by_names_and_as_a_row_has_one_score
    with_model do |model|
      by_keywords = model.score(**PAYMENT)
      assert_in_delta SCORE, by_keywords.score, 1e-6
      assert_equal by_keywords.score, model.score(PAYMENT.transform_keys(&:to_s)).score
      assert_equal by_keywords.score, model.score(PAYMENT).score
      assert_equal by_keywords.score, model.score(model.row.set(PAYMENT)).score
      assert_equal by_keywords.score, model.score(model.row.set_json(JSON.generate(PAYMENT))).score
      assert_equal by_keywords.score, model.score(amount_minor: 1250, age_days: 2.5, country: :FR, online: true).score
    end
  end

  def test_a_result_says_how_it_was_made_and_is_frozen
    with_model do |model|
      result = model.score(**PAYMENT.except(:age_days))
      assert_predicate result, :frozen?
      assert_equal :ok, result.status
      refute_predicate result, :fallback?
      assert_nil result.reason
      assert_equal "decline", model.schema.bands[result.band].name
      assert_equal [:native, :fp32, 1, 1, 0, 0, "1.0.0"],
                   [result.backend, result.precision, result.numerics, result.defaulted, result.clipped, result.device,
                    result.version]
      assert_operator result.run_ns, :>, 0
      assert_match(/score=0.94\d+ .*version="1.0.0"/, result.inspect)
      result => { version:, status: :ok }
      assert_equal "1.0.0", version
    end
  end

  def test_rows_are_used_again
    with_model do |model|
      row = model.row.replace(PAYMENT)
      first = model.score(row).score
      row[:country] = "DE"
      refute_equal first, model.score(row).score
      row.replace(PAYMENT)
      1000.times { assert_equal first, model.score(row).score }
      assert row.clear.missing?(:amount_minor)
      assert_raises(Weighbridge::InvalidInput) { model.score(row) }
    end
  end

  def test_at_the_deadline_the_fallback_answers_or_where_it_is_declined_an_error
    with_model do |model|
      late = model.score(**PAYMENT, deadline: -1)
      assert_equal [true, :fallback, :deadline, nil], [late.fallback?, late.status, late.reason, late.backend]
      error = assert_raises(Weighbridge::DeadlineExceeded) do
        model.score(**PAYMENT, deadline: -1, call: Weighbridge::Call.new(fallback: false))
      end
      assert_equal(-6, error.code)
      [10, 0.5r, 1e300, Float::INFINITY, 2**70].each do |it|
        refute_predicate model.score(**PAYMENT, deadline: it), :fallback?
      end
      assert_predicate model.score(**PAYMENT, deadline: -Float::INFINITY), :fallback?
      [Float::NAN, "1", 1i, :soon].each do |it|
        assert_raises(Weighbridge::InvalidArgument) { model.score(**PAYMENT, deadline: it) }
      end
    end
  end

  def test_the_engines_own_deadline_counts_where_a_call_names_none
    Weighbridge::Engine.open(default_deadline_us: 1, devices: "cpu=1") do |engine|
      # Golden vectors too have that deadline only where a load asks for it.
      model = engine.load("#{EXAMPLES}/card-transformer")
      payment = JSON.parse(File.foreach("#{EXAMPLES}/card-transformer/golden.jsonl").first)["row"]
      assert_equal :deadline, model.score(payment).reason
      refute_predicate model.score(payment, deadline: 30), :fallback?
    end
  end

  def test_secondary_outputs
    with_model do |model|
      call = Weighbridge::Call.new(outputs: model.schema.outputs)
      result = model.score(**PAYMENT, call: call)
      assert_equal %i[fraud logit], model.schema.outputs.map(&:name)
      assert_in_delta result.score, 1 / (1 + Math.exp(-result.output(:logit).first)), 1e-6
      assert_predicate result.output(:logit), :frozen?
      assert_raises(KeyError) { result.output(:other) }
      assert_raises(KeyError) { model.score(**PAYMENT).output(:logit) }
    end
  end

  def test_a_cancelled_call
    with_model do |model|
      token = Weighbridge::Cancel.new.set
      call = Weighbridge::Call.new(cancel: token)
      assert_raises(Weighbridge::Cancelled) { model.score(**PAYMENT, call: call) }
      token.clear
      assert_in_delta SCORE, model.score(**PAYMENT, call: call).score, 1e-6
      assert_raises(Weighbridge::Cancelled) { model.engine.load(fixture, cancel: token.set) }
      assert_raises(Weighbridge::DeadlineExceeded) { model.engine.load(fixture, deadline: -1) }
    end
  end

  def test_bundles_from_memory
    files = Dir.children(fixture).to_h { |name| [name, File.binread("#{fixture}/#{name}")] }
    with_engine do |engine|
      assert_in_delta SCORE, engine.load(files).score(**PAYMENT).score, 1e-6
      assert_in_delta SCORE, engine.slot("card", create: true).load(files).score(**PAYMENT).score, 1e-6
      assert_equal Weighbridge::Schema.load(fixture).digest, Weighbridge::Schema.load(files).digest
      assert_raises(Weighbridge::InvalidBundle) { engine.load(files.merge("model.plan" => "x")) }
    end
  end

  def test_blocks_end_what_they_are_given
    kept = nil
    score = Weighbridge::Engine.open do |engine|
      it = engine.load(fixture) { |model| (kept = model).score(**PAYMENT).score }
      assert_raises(Weighbridge::InvalidHandle) { kept.score(**PAYMENT) }
      kept = engine
      it
    end
    assert_in_delta SCORE, score, 1e-6
    assert_raises(Weighbridge::Closed) { kept.load(fixture) }
    assert_raises(RuntimeError) { Weighbridge::Engine.open { |engine| kept = engine and raise "x" } }
    assert_raises(Weighbridge::Closed) { kept.load(fixture) }
  end

  def test_objects_of_the_wrong_class_are_refused
    with_model do |model, engine|
      slot = engine.slot("card", create: true).load(fixture)
      row = model.row.replace(PAYMENT)
      ["x" * 20, 3, row, engine].each do |it|
        wrong = [-> { slot.swap(it) }, -> { model.score(row, call: it) }, -> { model.async(row, call: it).value },
                 -> { model.score_all([PAYMENT], call: it) }, -> { Weighbridge::Call.new(cancel: it) },
                 -> { engine.load(fixture, cancel: it) }, -> { Weighbridge::Call.new(outputs: [it]) },
                 -> { Weighbridge::Call.new(outputs: it) }, -> { model.score_all([PAYMENT], outputs: [it]) }]
        wrong << -> { Weighbridge::Bundle.verify(it, fixture) } unless it.equal?(engine)
        wrong.each { |use| assert_raises(Weighbridge::InvalidArgument, &use) }
      end
      ["x", nil, 1.5, -1, 2**40].each do |it|
        assert_raises(Weighbridge::InvalidArgument) { Weighbridge::Engine.new(async_capacity: it) }
      end
      assert_raises(Weighbridge::InvalidHandle) { slot.swap(nil) }
      assert_raises(TypeError, Weighbridge::Error) { model.score(Class.new { def to_hash = 3 }.new) }
      [3, nil, "other"].each { |it| assert_raises(KeyError) { model.score(**PAYMENT).output(it) } }
    end
  end

  def test_what_is_printed_tells_what_it_is
    with_model do |model, engine|
      assert_equal "#<Weighbridge::Slot card>", engine.slot("card", create: true).inspect
      assert_equal "#<Weighbridge::Schema of 4 features>", model.schema.inspect
      assert_equal ["#<Weighbridge::Feature amount_minor: int64, required>", "#<Weighbridge::Feature age_days: float32>"],
                   model.schema.features.first(2).map(&:inspect)
      result = model.score(**PAYMENT)
      assert_equal [result.score, "ok", "native"], JSON.parse(JSON.generate([result])).first.values_at(*%w[score status backend])
      assert_equal "#<Weighbridge::Future done>", model.async(**PAYMENT).inspect
      assert_operator engine.snapshot[:handles][:model], :>=, 1
    end
  end

  def test_a_deadline_of_no_number_is_refused_in_every_class
    with_model do |model|
      [BigDecimal("NaN"), Float::NAN].each do |it|
        assert_raises(Weighbridge::InvalidArgument) { model.score(**PAYMENT, deadline: it) }
      end
      refute_predicate model.score(**PAYMENT, deadline: BigDecimal("Infinity")), :fallback?
    end
  end

  def test_options_go_to_the_library_by_name
    error = assert_raises(Weighbridge::NotFound) { Weighbridge::Engine.open(queue_limt: 3) { flunk } }
    assert_match(/queue_limit/, error.message)
    assert_raises(Weighbridge::InvalidArgument) { Weighbridge::Engine.open(queue_limit: "many") { flunk } }
    with_model do |model, engine|
      assert_raises(Weighbridge::NotFound) { engine.load(fixture, presicion: "fp32") }
      assert_equal :reference, engine.load(fixture, engines: "reference", verify: false).describe[:backend]
      assert_equal :native, model.describe[:backend]
    end
  end

  def test_metadata
    schema = Weighbridge::Schema.load("#{EXAMPLES}/card-mlp")
    amount = schema[:amount_minor]
    assert_equal [:int64, "EUR", 2, true, false], [amount.type, amount.currency, amount.money_exponent,
                                                  amount.required?, amount.sequence?]
    assert_equal schema["amount_minor"], amount
    assert_predicate schema.features, :frozen?
    assert_operator Weighbridge.system_info.size, :>, 100
    assert_equal %w[approve review decline], Weighbridge::Schema.load(fixture).bands.map(&:name)
  end
end
