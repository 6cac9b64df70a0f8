# frozen_string_literal: true
# SPDX-License-Identifier: Apache-2.0

require_relative "test_helper"

class BatchTest < Minitest::Test
  def test_payments_and_columns_have_the_scores_of_single_calls
    with_model do |model|
      payments = Array.new(50) { |i| PAYMENT.merge(amount_minor: i * 100, age_days: i.odd? ? nil : i * 0.5) }
      expected = payments.map { |it| model.score(it).score }
      assert_equal expected, model.score_all(payments, window: 7).scores
      columns = PAYMENT.keys.to_h { |name| [name, payments.map { |it| it[name] }] }
      batch = model.score_all(columns, window: 11)
      assert_equal expected, batch.scores
      assert_equal expected, model.score_all(columns.transform_keys(&:to_s)).scores
      assert_equal [50, [], {}, ["1.0.0"]], [batch.size, batch.fallbacks, batch.errors, batch.versions]
      assert_equal(payments.map { |it| model.score(it).band }, batch.bands)
      assert_equal(payments.map { |it| model.score(it).probability }, batch.probabilities)
      assert_predicate batch, :frozen?
      assert_predicate batch.scores, :frozen?
    end
  end

  def test_sequences_and_texts
    with_slow_model do |model, payments|
      expected = payments.map { |it| model.score(it, deadline: 60).score }
      assert_equal expected, model.score_all(payments, deadline: 60, window: 8).scores
    end
  end

  def test_a_payment_that_is_refused_costs_itself
    with_model do |model|
      wrong = { 1 => { amount_minor: "x" }, 3 => { amount_minor: -1 }, 4 => { amount_minor: nil }, 7 => { amuont: 1 },
                8 => { country: "\xFF" } }
      payments = Array.new(10) { |i| PAYMENT.merge(wrong.fetch(i, {})) }
      payments[9] = 17
      batch = model.score_all(payments, window: 4, outputs: model.schema.outputs)
      assert_equal [1, 3, 4, 7, 8, 9], batch.errors.keys
      assert_equal batch.errors.keys, batch.errors.values.map(&:row)
      wrong.each_key do |i|
        error = assert_raises(Weighbridge::Error) { model.score(payments[i]) }
        assert_equal(*[error, batch.errors[i]].map { |it| [it.class, it.message, it.feature] })
      end
      assert_instance_of Weighbridge::InvalidArgument, batch.errors[9]
      10.times do |i|
        refused = batch.errors.key?(i)
        assert_equal [refused, refused], [batch.scores[i].nan?, batch.output(:logit)[i].first.nan?]
        assert_equal refused, batch.bands[i].nil?
        assert_in_delta SCORE, batch.scores[i], 1e-6 unless refused
      end
    end
  end

  def test_a_slot_takes_the_columns_of_what_it_serves_now
    with_engine do |engine|
      slot = engine.slot("card", create: true).load(fixture)
      slot.score(**PAYMENT)
      engine.slot("card").load(fixture("mlp-extra"))
      added = Weighbridge::Schema.load(fixture("mlp-extra")).features.map(&:name) - PAYMENT.keys
      batch = slot.score_all([PAYMENT.merge(added.first => nil)])
      assert_equal [{}, ["3.0.0"]], [batch.errors, batch.versions]
    end
  end

  def test_the_fallback_answers_late_ones
    with_model do |model|
      batch = model.score_all([PAYMENT] * 5, deadline: -1, window: 2)
      assert_equal [[0, 1, 2, 3, 4], {}], [batch.fallbacks, batch.errors]
      declined = model.score_all([PAYMENT], deadline: -1, call: Weighbridge::Call.new(fallback: false))
      assert_equal(-6, declined.errors[0].code)
    rescue Weighbridge::DeadlineExceeded => e
      # Nothing was looked at: the call itself has the error.
      assert_equal(-6, e.code)
    end
  end

  def test_nothing_and_what_is_no_batch
    with_model do |model|
      strange = Class.new { def to_hash = 3 }.new
      assert_match(/to_hash gives Integer/, assert_raises(TypeError) { model.score_all([strange]) }.message)
      strange = Class.new { def to_ary = 3 }.new
      [strange, { amount_minor: strange }].each do |it|
        assert_match(/to_ary gives Integer/, assert_raises(TypeError) { model.score_all(it) }.message)
      end
      assert_equal 0, model.score_all([]).size
      assert_equal 0, model.score_all({}).size
      assert_equal 0, model.score_all({ amount_minor: [] }).size
      [nil, 3, "x", [[1]].each].each { |it| assert_raises(Weighbridge::InvalidArgument) { model.score_all(it) } }
      assert_raises(Weighbridge::InvalidArgument) { model.score_all({ amount_minor: [1, 2], online: [true] }) }
      assert_raises(Weighbridge::InvalidArgument) { model.score_all({ amount_minor: 1 }) }
      assert_raises(Weighbridge::NotFound) { model.score_all({ amuont: [1] }) }
      [0, -1, 1.5, nil].each { |it| assert_raises(Weighbridge::InvalidArgument) { model.score_all([PAYMENT], window: it) } }
    end
  end
end
