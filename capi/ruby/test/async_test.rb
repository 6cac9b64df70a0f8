# frozen_string_literal: true
# SPDX-License-Identifier: Apache-2.0

require "async"
require_relative "test_helper"

class AsyncTest < Minitest::Test
  NEVER = 2**63 - 1

  # A submit without the inline try.
  def submit(model, row = model.row.replace(PAYMENT), deadline_ns: NEVER, call: nil)
    model.engine.completions.submit(row, deadline_ns, call, model)
  end

  def test_a_free_context_answers_inline
    with_model do |model|
      future = model.async(**PAYMENT)
      assert_predicate future, :done?
      assert_in_delta SCORE, future.value.score, 1e-6
      refute future.cancel
      # Nothing was submitted, so that no thread of the engine's is there.
      refute_includes Dir["/proc/self/task/*/comm"].map { |it| File.read(it) }.join, "wb:async"
    end
  end

  def test_what_would_wait_goes_through_the_queue
    with_slow_model do |model, payments|
      expected = model.score(payments.first, deadline: 60).score
      # The engine's own thread has the context while these are under way.
      row = model.row.replace(payments.last)
      queued = eventually do
        busy = Array.new(500) { submit(model, row) }
        futures = Array.new(20) { model.async(payments.first, deadline: 60) }
        queued = futures.any? { |it| !it.done? }
        assert_equal [expected], futures.map { |it| it.value.score }.uniq
        assert_equal 1, busy.map { |it| it.value.score }.uniq.size
        queued
      end
      assert queued
    end
  end

  def test_many_futures_of_many_threads
    with_model(async_capacity: 4096) do |model|
      amounts = (1..40).to_a
      expected = amounts.to_h { |it| [it, model.score(**PAYMENT, amount_minor: it).score] }
      threads = Array.new(4) do
        Thread.new do
          amounts.map { |it| [it, submit(model, model.row.replace(**PAYMENT, amount_minor: it))] }
                 .all? { |amount, future| future.value.score == expected[amount] }
        end
      end
      assert threads.all?(&:value)
    end
  end

  def test_fibers_wait_without_holding_up_their_thread
    with_model do |model|
      expected = model.score(**PAYMENT).score
      threads = Thread.list
      order = []
      scores = []
      Async do |task|
        waiting = Array.new(20) do
          task.async { scores << submit(model).value.score }
        end
        task.async { order << :other }
        waiting.each(&:wait)
        order << :scored
      end
      assert_equal [%i[other scored], [expected] * 20], [order, scores]
      # No Ruby thread drained it.
      assert_empty Thread.list - threads
    end
  end

  def test_fibers_wait_as_long_as_it_takes
    with_model(async_threads: 0) do |model, engine|
      score = nil
      Async do |task|
        waiter = task.async { score = submit(model).value.score }
        task.sleep(1.2) # longer than the drainer looks at once
        engine.work
        waiter.wait
      end
      assert_in_delta SCORE, score, 1e-6
    end
  end

  def test_a_reactor_after_another
    with_model do |model|
      2.times do
        score = nil
        Async { score = submit(model).value.score }
        assert_in_delta SCORE, score, 1e-6
      end
      # A future that nobody waits for does not keep the reactor.
      Async { submit(model) }
      assert_in_delta SCORE, submit(model).value.score, 1e-6
    end
  end

  def test_a_future_of_a_reactor_is_waited_for_by_a_thread
    with_model do |model|
      score = nil
      Async do |task|
        future = submit(model)
        waiter = Thread.new { future.value.score }
        task.async { task.sleep(0.001) while waiter.alive? }.wait
        score = waiter.value
      end
      assert_in_delta SCORE, score, 1e-6
    end
  end

  def test_every_waiter_gets_the_answer_and_at_any_time
    with_model do |model|
      future = submit(model)
      scores = Array.new(5) { Thread.new { future.value.score } }.map(&:value)
      assert_equal [future.value.score] * 5, scores
      assert_same future.value, future.wait.value
    end
  end

  def test_errors_come_from_value
    with_model do |model, engine|
      row = model.row.replace(**PAYMENT, amount_minor: -1)
      [model.async(row), submit(model, row), model.async(**PAYMENT, amount_minor: -1)].each do |future|
        error = assert_raises(Weighbridge::InvalidInput) { future.value }
        assert_equal :amount_minor, error.feature
      end
      assert_raises(Weighbridge::InvalidInput) { model.async(**PAYMENT, amount_minor: "x").value }
      assert_raises(Weighbridge::NotFound) { model.async(**PAYMENT, amuont: 1).value }
      assert_raises(Weighbridge::InvalidArgument) { model.async(**PAYMENT, deadline: "soon").value }
      assert_equal :deadline, submit(model, deadline_ns: 0).value.reason
      declined = Weighbridge::Call.new(fallback: false)
      assert_raises(Weighbridge::DeadlineExceeded) { submit(model, deadline_ns: 0, call: declined).value }
      call = Weighbridge::Call.new(outputs: model.schema.outputs)
      assert_raises(Weighbridge::InvalidArgument) { model.async(**PAYMENT, call: call).value }
      engine.close
      assert_raises(Weighbridge::Closed) { model.async(**PAYMENT).value }
    end
  end

  def test_cancelling
    # The host lends no thread, so that nothing runs.
    with_model(async_threads: 0) do |model, engine|
      first, second = Array.new(2) { submit(model) }
      refute_predicate first, :done?
      assert first.cancel
      assert_raises(Weighbridge::Cancelled) { first.value }
      refute first.cancel
      token = Weighbridge::Cancel.new
      third = submit(model, call: Weighbridge::Call.new(cancel: token))
      token.set
      assert_raises(Weighbridge::Cancelled) { third.value }
      assert_equal 1, engine.work
      assert_in_delta SCORE, second.value.score, 1e-6
    end
  end

  def test_a_full_queue_refuses_at_once
    with_model(async_threads: 0, async_capacity: 2) do |model, engine|
      waiting = Array.new(2) { submit(model) }
      assert_raises(Weighbridge::Overloaded) { submit(model) }
      engine.work
      waiting.each { |it| assert_in_delta SCORE, it.value.score, 1e-6 }
    end
  end

  def test_closing_the_engine_answers_what_waits
    with_model(async_threads: 0) do |model, engine|
      future = submit(model)
      engine.close
      assert_raises(Weighbridge::Closed) { future.value }
    end
  end

  def test_what_is_raised_into_a_submit_leaves_nothing_to_wait_for
    with_model do |model|
      row = model.row.replace(PAYMENT)
      [true, false].each do |accepted|
        target = Object.new
        target.define_singleton_method(:native_submit) do |*arguments|
          model.native_submit(*arguments) if accepted
          raise Interrupt
        end
        assert_raises(Interrupt) { model.engine.completions.submit(row, NEVER, nil, target) }
      end
      assert_in_delta SCORE, submit(model).value.score, 1e-6
      eventually { Thread.list.none? { |it| it.name == "weighbridge" } }
    end
  end

  def test_a_killed_drainer_is_replaced
    with_model do |model|
      submit(model).value
      drainer = Thread.list.find { |it| it.name == "weighbridge" }
      drainer.kill.join
      assert_in_delta SCORE, submit(model).value.score, 1e-6
    end
  end

  def test_the_drainer_ends_when_nothing_is_under_way
    with_model do |model|
      submit(model).value
      eventually { Thread.list.none? { |it| it.name == "weighbridge" } }
      assert_in_delta SCORE, submit(model).value.score, 1e-6
    end
  end

  def test_a_forked_child_has_queues_of_its_own
    with_model(async_threads: 0) do |model, engine|
      under_way = submit(model)
      said = in_child do
        begin
          under_way.value
        rescue Weighbridge::Forked => e
          own = submit(model)
          engine.work
          [e.code, own.value.score.round(6)]
        end
      end
      assert_equal "[-9, #{SCORE.round(6)}]", said
      engine.work
      assert_in_delta SCORE, under_way.value.score, 1e-6
    end
  end

  def test_by_slot
    with_engine do |engine|
      slot = engine.slot("card", create: true)
      assert_raises(Weighbridge::NotLoaded) { slot.async(**PAYMENT).value }
      slot.load(fixture)
      assert_in_delta SCORE, slot.async(**PAYMENT).value.score, 1e-6
      future = engine.completions.submit(slot.row.replace(PAYMENT), NEVER, nil, slot)
      assert_in_delta SCORE, future.value.score, 1e-6
    end
  end
end
