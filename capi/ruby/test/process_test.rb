# frozen_string_literal: true
# SPDX-License-Identifier: Apache-2.0
# Threads, signals, time-outs, garbage collection, Ractors, forks: what a Ruby process does around a score.

require "timeout"
require_relative "test_helper"

class ProcessTest < Minitest::Test
  def test_two_threads_are_in_the_library_at_once_and_a_third_runs_ruby
    with_slow_model do |model, payments, engine|
      row = model.row.replace(payments.first)
      # With the GVL held, nobody would see one of them wait for the other.
      eventually(60) do
        first = long_call(model, payments)
        second = Thread.new { refute_predicate model.score(row, deadline: 60), :fallback? while first.alive? }
        seen = false
        while first.alive?
          seen ||= engine.snapshot[:waiting] == 1
          sleep 0.0001
        end
        second.join
        seen
      end
    end
  end

  # The test above holds that a function of this list releases the GVL; this one, which functions are on it: all that
  # read files, run a model, or wait.
  def test_the_gvl_is_released_by_whatever_takes_its_time
    native = Weighbridge.const_get(:Native)
    assert_equal %i[wb_batch_encode wb_bundle_inspect wb_bundle_inspect_source wb_bundle_verify wb_bundle_verify_source
                    wb_engine_close wb_engine_maintain wb_engine_work wb_model_load wb_model_load_source wb_model_score
                    wb_model_score_batch wb_schema_load wb_schema_load_source wb_slot_forget_previous wb_slot_load
                    wb_slot_load_source wb_slot_rollback wb_slot_score wb_slot_score_batch wb_slot_swap],
                 native::FUNCTIONS.keys.grep(native.const_get(:BLOCKING)).sort
  end

  def test_many_threads_get_their_own_scores
    with_model do |model|
      amounts = (1..50).to_a
      expected = amounts.to_h { |amount| [amount, model.score(**PAYMENT, amount_minor: amount).score] }
      threads = Array.new(8) do
        Thread.new do
          Array.new(400) { amounts.sample }.all? { |it| model.score(**PAYMENT, amount_minor: it).score == expected[it] }
        end
      end
      assert threads.all?(&:value)
    end
  end

  def test_one_row_takes_one_thread_at_a_time
    with_slow_model do |model, payments|
      row = model.row.replace(payments.first)
      score = model.score(row, deadline: 60).score
      found = eventually(60) do
        said = Array.new(4) do
          Thread.new do
            200.times.map { model.score(row, deadline: 60).score }.uniq
          rescue Weighbridge::Busy => e
            [e]
          end
        end.flat_map(&:value).uniq { |it| it.is_a?(Float) ? it : it.class }
        said if said.any?(Weighbridge::Busy)
      end
      assert_equal [score], found.grep(Float) | [score]
      assert_equal [-4, nil], found.grep(Weighbridge::Busy).first.then { |it| [it.code, it.feature] }
      assert_match(/row/, found.grep(Weighbridge::Busy).first.message)
    end
  end

  def test_a_row_is_not_written_while_another_thread_scores_it
    with_slow_model do |model, payments|
      row = model.row.replace(payments.first)
      score = model.score(row, deadline: 60).score
      said = []
      scores = Thread.new { Array.new(2000) { model.score(row, deadline: 60).score }.uniq }
      writes = [-> { row[:country] = "FR" }, -> { row.replace(payments.last) }, -> { row.set_json("{}") }, -> { row.clear }]
      while scores.alive?
        writes.each do |write|
          # Between its calls the row is anybody's; but then the payment is the same again before the next one.
          Thread.pass until row.holder || !scores.alive?
          write.call if row.holder
        rescue Weighbridge::Busy => e
          said << e
        end
      end
      assert_equal [score], scores.value
      assert_equal [-4, "row: in use by another call"], [said.last.code, said.last.message]
    end
  end

  def test_an_answer_is_read_before_another_thread_gets_the_row
    with_model do |model|
      row = model.row.replace(PAYMENT)
      call = Weighbridge::Call.new(outputs: model.schema.outputs)
      other = Thread.new { sleep }
      row.holder = other
      [-> { model.score(row) }, -> { model.async(row).value }, -> { row[:amount_minor] = 3 }, -> { row.replace(PAYMENT) }]
        .each { |use| assert_equal "row: in use by another call", assert_raises(Weighbridge::Busy, &use).message }
      assert_same other, row.holder
      call.holder = other
      error = assert_raises(Weighbridge::Busy) { model.score(**PAYMENT, call: call) }
      assert_equal "call: it is in use by another thread", error.message
      assert_equal SCORE.round(6).to_s, in_child { model.score(row).score.round(6) }
      other.kill.join
      assert_in_delta SCORE, model.score(row).score, 1e-6
      assert_in_delta SCORE, model.score(**PAYMENT, call: call).score, 1e-6
      assert_nil row.holder || call.holder
      assert_raises(Weighbridge::InvalidInput) { model.score(row.clear) }
      assert_nil row.holder
    end
  end

  def test_what_is_raised_behind_a_call_leaves_no_object
    with_engine do |engine|
      native = Weighbridge.const_get(:Native)
      before = engine.snapshot[:handles]
      assert_raises(Timeout::Error) do
        Weighbridge::Handle.new(native.method(:wb_cancel_free)) do |out, error|
          native.wb_cancel_create(out, error)
          raise Timeout::Error
        end
      end
      assert_equal before, engine.snapshot[:handles]
      assert_operator before[:engine], :>=, 1
    end
  end

  def test_a_call_object_takes_one_thread_at_a_time
    with_slow_model do |model, payments|
      call = Weighbridge::Call.new
      error = eventually(60) do
        holder = long_call(model, payments, call: call)
        begin
          (model.score(payments.first, call: call, deadline: 60); sleep 0.0001) while holder.alive?
        rescue Weighbridge::Busy => e
          e
        ensure
          holder.join
        end
      end
      assert_equal(-4, error.code)
    rescue Weighbridge::Busy
      retry # it was the holder that found the other one
    end
  end

  def test_timeout
    with_slow_model do |model, payments|
      # A call is not cut short: its own deadline does that. What Timeout raises comes behind it.
      assert_raises(Timeout::Error) { Timeout.timeout(0.05) { loop { model.score(payments.first, deadline: 60) } } }
      assert_raises(Timeout::Error) { Timeout.timeout(0.05) { model.score_all(payments * 500, window: 10, deadline: 60) } }
      refute_predicate model.score(payments.first, deadline: 60), :fallback?
    end
  end

  def test_signals
    with_model do |model|
      scored = []
      trap("USR1") { scored << model.score(**PAYMENT).score }
      sender = Thread.new { 200.times { Process.kill("USR1", Process.pid); sleep 0.001 } }
      own = []
      own << model.score(**PAYMENT, amount_minor: 2).score while sender.alive?
      eventually { scored.size > 10 }
      assert_equal [1, 1], [scored.uniq.size, own.uniq.size]
      refute_equal scored.first, own.first
    ensure
      sender&.kill&.join
      trap("USR1", "DEFAULT")
    end
  end

  def test_interrupt_ends_a_batch_between_windows
    out = ruby(<<~RUBY, "WB_BUNDLE" => fixture)
      require "weighbridge"
      Weighbridge::Engine.open do |engine|
        model = engine.load(ENV["WB_BUNDLE"])
        trap("INT", "DEFAULT") # a job in the background of a shell ignores it
        Thread.new { sleep 0.2; Process.kill("INT", Process.pid) }
        column = { amount_minor: [1] * 100_000, country: ["FR"] * 100_000, online: [true] * 100_000 }
        begin
          loop { model.score_all(column) }
        rescue Interrupt
          puts "ended"
        end
      end
    RUBY
    assert_equal "ended\n", out
  end

  def test_under_gc_stress
    out = ruby(<<~RUBY, "WB_BUNDLE" => fixture)
      require "weighbridge"
      payment = { amount_minor: 1250, age_days: 2.5, country: "FR", online: true }
      Weighbridge::Engine.open do |engine|
        slot = engine.slot("card", create: true).load(ENV["WB_BUNDLE"])
        expected = slot.score(payment).score
        GC.stress = true
        row = slot.row
        raise "keywords" unless slot.score(**payment).score == expected
        raise "a row" unless slot.score(row.replace(payment)).score == expected
        raise "async" unless slot.async(**payment).value.score == expected
        raise "all" unless slot.score_all([payment] * 3).scores == [expected] * 3
        raise "the queue" unless engine.completions.submit(row, 2**63 - 1, nil, slot).value.score == expected
        slot.load(ENV["WB_BUNDLE"])
        GC.stress = false
        puts slot.score(row).score == expected
      end
    RUBY
    assert_equal "true\n", out
  end

  def test_garbage_collection_frees_in_any_order_what_nobody_freed
    out = ruby(<<~RUBY, "WB_BUNDLE" => fixture)
      require "weighbridge"
      def use
        engine = Weighbridge::Engine.new
        slot = engine.slot("card", create: true).load(ENV["WB_BUNDLE"])
        slot.score(amount_minor: 1, country: "FR", online: true)
        Weighbridge::Call.new(cancel: Weighbridge::Cancel.new)
        [engine.load(ENV["WB_BUNDLE"]), slot.row]
      end
      50.times { use }
      model, row = use
      GC.start
      100.times { GC.start if model.engine.snapshot[:handles].values.sum > 60 }
      puts model.engine.snapshot[:handles].values.sum
      # The model keeps its engine.
      puts model.score(amount_minor: 1, country: "FR", online: true).score.positive?
    RUBY
    live, scored = out.lines
    assert_operator live.to_i, :<, 60, "live handles of 51 engines"
    assert_equal "true\n", scored
  end

  def test_exit_while_scoring
    %w[exit exit! abort].each do |how|
      out, status = Open3.capture2e({ "WB_BUNDLE" => fixture }, RbConfig.ruby, "-I", "#{__dir__}/../lib", "-e", <<~RUBY)
        require "weighbridge"
        engine = Weighbridge::Engine.new
        model = engine.load(ENV["WB_BUNDLE"])
        4.times { Thread.new { loop { model.score(amount_minor: 1, country: "FR", online: true) } } }
        4.times { Thread.new { loop { model.async(amount_minor: 1, country: "FR", online: true).value } } }
        sleep 0.05
        #{how}
      RUBY
      assert_equal ["", how == "exit" ? 0 : 1], [out, status.exitstatus], how
    end
  end

  def test_ractors_are_refused_by_name
    skip_reason = "ffi #{FFI::VERSION} can be used from Ractors: not run"
    return puts("process_test: #{skip_reason}") if Gem::Version.new(FFI::VERSION) >= Gem::Version.new("1.16")

    out = ruby(<<~RUBY, { "WB_BUNDLE" => fixture }, "-W:no-experimental")
      require "weighbridge"
      kinds = %w[Engine.new Schema.load("x") Cancel.new Call.new system_info]
      Weighbridge.load_library
      kinds.each do |code|
        refused = Ractor.new(code) do |it|
          eval("Weighbridge::\#{it}")
        rescue Weighbridge::LibraryError => e
          e.message
        end
        puts refused.take
      end
      slot = Weighbridge::Engine.new.slot("card", create: true)
      begin
        Ractor.new(slot) { |it| it.name }
      rescue TypeError => e
        puts e.message
      end
    RUBY
    lines = out.lines
    assert_equal 6, lines.size, out
    lines.first(5).each do |it|
      assert_match(/Ractor other than the main one: expected ffi 1\.16 or later, got ffi 1\.15/, it)
    end
    assert_match(/cannot be copied/, lines.last)
  end

  def test_handles_are_not_copied
    with_model do |model, engine|
      [model, engine, Weighbridge::Cancel.new, model.schema].each do |it|
        assert_match(/cannot be copied/, assert_raises(TypeError) { it.dup }.message)
        assert_raises(TypeError) { it.clone }
        assert_raises(TypeError) { Marshal.dump(it) }
      end
    end
  end

  def test_what_is_closed_says_so
    engine = Weighbridge::Engine.new
    model = engine.load(fixture)
    slot = engine.slot("card", create: true).load(fixture)
    row = model.row.replace(PAYMENT)
    engine.close
    engine.close
    [-> { model.score(row) }, -> { slot.score(**PAYMENT) }, -> { slot.load(fixture) }, -> { engine.load(fixture) },
     -> { slot.rollback }, -> { model.score_all([PAYMENT]) }, -> { slot.async(row).value },
     -> { engine.slot("other", create: true) }].each do |use|
      assert_equal(-8, assert_raises(Weighbridge::Closed, &use).code)
    end
    [model, slot, engine].each { |it| 2.times { assert_nil it.free } }
    [-> { model.score(row) }, -> { slot.score(row) }, -> { engine.load(fixture) }, -> { engine.metrics },
     -> { model.describe }, -> { slot.swap(model) }].each do |use|
      assert_equal(-3, assert_raises(Weighbridge::InvalidHandle, &use).code)
    end
  end

  def test_a_forked_child_scores_on_its_own
    with_model do |model, engine|
      row = model.row.replace(PAYMENT)
      expected = model.score(row).score
      said = in_child do
        threads = Array.new(4) do
          Thread.new { [model.score(row.dup), model.score(**PAYMENT), model.async(row.dup).value].map(&:score) }
        end
        threads.flat_map(&:value).uniq + [engine.load(fixture("mlp-v2")).score(row).version]
      end
      assert_equal [expected, "2.0.0"].to_s, said
      assert_equal expected, model.score(row).score
    end
  end

  def test_a_row_that_was_in_use_at_a_fork_is_free_in_the_child
    with_model do |model|
      row = model.row.replace(PAYMENT)
      expected = model.score(row).score
      scoring = Thread.new { loop { model.score(row) } }
      10.times { assert_equal expected.to_s, in_child { model.score(row).score } }
    ensure
      scoring&.kill&.join
    end
  end
end
