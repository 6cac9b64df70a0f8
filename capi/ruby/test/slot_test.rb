# frozen_string_literal: true
# SPDX-License-Identifier: Apache-2.0

require_relative "test_helper"

class SlotTest < Minitest::Test
  def setup
    @engine = Weighbridge::Engine.new(devices: "cpu=1")
    @slot = @engine.slot("card", create: true)
  end

  def teardown = @engine.close

  def test_a_slot_is_loaded_swapped_and_rolled_back
    assert_raises(Weighbridge::NotLoaded) { @slot.score(**PAYMENT) }
    first = @slot.load(fixture).score(**PAYMENT)
    second = @slot.load(fixture("mlp-v2")).score(**PAYMENT)
    assert_equal %w[1.0.0 2.0.0], [first.version, second.version]
    refute_equal first.score, second.score
    assert_equal first.score, @slot.rollback.score(**PAYMENT).score
    assert_equal "2.0.0", @slot.swap(@engine.load(fixture("mlp-v2"))).model.describe[:version]
    @slot.forget_previous
    assert_raises(Weighbridge::NotLoaded) { @slot.rollback }
    assert_equal "2.0.0", @slot.describe[:version]
    assert_equal ["card"], @engine.slots.map { |it| it[:name] }
  end

  def test_rows_and_names_outlive_a_swap_that_adds_a_feature
    row = @slot.load(fixture).row.replace(PAYMENT)
    @engine.slot("card").load(fixture("mlp-extra"))
    assert_equal "3.0.0", @slot.score(row).version
    assert_equal "3.0.0", @slot.score(**PAYMENT).version
    added = Weighbridge::Schema.load(fixture("mlp-extra")).features.map(&:name) - PAYMENT.keys
    assert_equal 1, added.size
    # A name that only the new model knows: the other handle swapped it in.
    assert_equal "3.0.0", @slot.score(**PAYMENT, added.first => nil).version
    @engine.slot("card").rollback
    assert_equal "1.0.0", @slot.score(**PAYMENT).version
  end

  def test_a_swap_that_callers_would_not_survive_is_refused
    @slot.load(fixture)
    error = assert_raises(Weighbridge::SchemaChanged) { @slot.load(fixture("mlp-renamed")) }
    assert_equal(-12, error.code)
    assert_raises(Weighbridge::SchemaChanged) { @slot.load(fixture("mlp-usd")) }
    assert_raises(Weighbridge::VerifyFailed) { @slot.load(fixture("mlp-wrong-golden")) }
    assert_equal "1.0.0", @slot.score(**PAYMENT).version
  end

  def test_a_name_that_no_slot_has
    error = assert_raises(Weighbridge::NotFound) { @engine.slot("crad") }
    assert_match(/card/, error.message)
    assert_raises(Weighbridge::InvalidArgument) { @engine.slot("no spaces", create: true) }
  end

  def test_more_slots_than_are_guessed
    20.times { |i| @engine.slot("slot-#{i}", create: true) }
    assert_equal 21, @engine.slots.size
  end

  def test_a_row_of_another_schema
    @slot.load(fixture)
    row = Weighbridge::Schema.load(fixture("mlp-renamed")).row
    assert_equal(-20, assert_raises(Weighbridge::SchemaMismatch) { @slot.score(row) }.code)
  end

  def test_swaps_under_threads
    @slot.load(fixture)
    models = %w[mlp mlp-v2].map { |name| @engine.load(fixture(name)) }
    expected = models.map { |it| it.score(**PAYMENT) }.to_h { |it| [it.version, it.score] }
    done = false
    threads = Array.new(4) do
      Thread.new do
        row = @slot.row.replace(PAYMENT)
        seen = Hash.new(0)
        until done
          [@slot.score(row, deadline: 60), @slot.score(**PAYMENT, deadline: 60), @slot.async(row).value].each do |it|
            seen[[it.version, it.score]] += 1
          end
        end
        seen
      end
    end
    40.times { |i| i % 5 == 4 ? @slot.rollback : @engine.slot("card").load(fixture(i.odd? ? "mlp" : "mlp-v2")) }
    done = true
    seen = threads.map(&:value).inject { |all, it| all.merge(it) { |_, a, b| a + b } }
    assert_equal expected.to_a.sort, seen.keys.sort
  end

  def test_figures_and_prometheus_text
    @slot.load(fixture)
    3.times { @slot.score(**PAYMENT) }
    assert_raises(Weighbridge::InvalidInput) { @slot.score(**PAYMENT, amount_minor: -1) }
    assert_equal [4, 3, 1], @slot.describe.values_at(:requests, :rows, :invalid)
    assert_equal [4, 3, 1], @engine.snapshot.values_at(:requests, :rows, :invalid)
    assert_includes @engine.metrics, 'weighbridge_slot_requests_total{slot="card"} 4'
    assert_match(/^weighbridge_slot_version_requests_total\{slot="card",version="1\.0\.0",bundle="\h{16}"\} 4$/, @engine.metrics)
  end

  def test_what_cannot_log_is_refused_before_it_has_taken_events
    @slot.load(fixture)
    [nil, "log", Object.new].each { |it| assert_raises(Weighbridge::InvalidArgument) { @engine.log_to(it) } }
    refute_empty @engine.events.first
  end

  def test_events_go_to_a_logger
    require "logger"
    @slot.load(fixture)
    assert_raises(Weighbridge::VerifyFailed) { @slot.load(fixture("mlp-wrong-golden")) }
    said = StringIO.new
    @engine.log_to(Logger.new(said))
    assert_match(/INFO .*weighbridge card: .*1\.0\.0/, said.string)
    assert_match(/ERROR .*weighbridge card: .*golden/, said.string)
    assert_equal [[], 0], @engine.events
    Weighbridge::Engine.open(event_capacity: 16) do |engine|
      40.times { engine.load(fixture) }
      engine.log_to(Logger.new(said))
    end
    assert_match(/WARN .*weighbridge: \d+ events were not taken in time/, said.string)
  end
end
