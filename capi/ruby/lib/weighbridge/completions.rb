# frozen_string_literal: true
# SPDX-License-Identifier: Apache-2.0

require "io/wait"

module Weighbridge
  # The completion queues of an engine: one for all threads, drained by a Ruby thread while calls are under way; and one
  # for each thread with a fiber scheduler, drained by a fiber. A forked child makes its own.
  # @private
  class Completions
    def initialize(engine, capacity)
      @engine = engine
      @capacity = capacity
      @mutex = Mutex.new
      forget
    end

    # @return [Future]
    def submit(row, deadline_ns, call, target) = queue.submit(row, deadline_ns, call, target)

    private

    def forget
      @pid = Process.pid
      @shared = nil
      @fibers = {}.compare_by_identity
    end

    def queue
      scheduled = Fiber.current_scheduler
      @mutex.synchronize do
        forget if @pid != Process.pid
        next @shared ||= CompletionQueue.new(@engine, @capacity) { |drain| Thread.new(&drain).name = "weighbridge" } unless
          scheduled

        @fibers.delete_if { |thread, _| !thread.alive? }
        @fibers[Thread.current] ||= CompletionQueue.new(@engine, @capacity) { |drain| Fiber.schedule(&drain) }
      end
    end
  end
  private_constant :Completions

  # A completion queue and the futures that wait for its completions.
  # @private
  class CompletionQueue < Handle
    BATCH = 64
    IDLE_SECONDS = 1
    private_constant :BATCH, :IDLE_SECONDS

    # @yieldparam drain [Proc] to be run on a thread or fiber of its own
    def initialize(engine, capacity, &start)
      super(Native.method(:wb_queue_free)) { |out, error| Native.wb_queue_create(out, engine, capacity, error) }
      @start = start
      @mutex = Mutex.new
      @futures = {}
      @tag = 0
      @io = IO.for_fd(descriptor, autoclose: false)
    end

    # @return [Future]
    # @raise [Error] it was not accepted
    def submit(row, deadline_ns, call, target)
      tag, future = expect(row.schema)
      status = target.native_submit(to_ptr, tag, row.data, deadline_ns, call, row.error)
      return future unless status.negative?

      raise Error.from(status, row.error, row.schema)
    ensure
      # Where it was not accepted, or something was raised into this thread before: nobody is told of a completion.
      @mutex.synchronize { @futures.delete(tag) } unless status && !status.negative?
    end

    private

    def descriptor
      out = FFI::MemoryPointer.new(:int32)
      Handle.check { |error| Native.wb_queue_fd(out, to_ptr, error) }
      out.read_int32
    end

    # A future, before its call is submitted: its completion may come at once. Whoever submits first starts the drainer.
    def expect(schema)
      tag = future = starting = nil
      @mutex.synchronize do
        tag = @tag += 1
        future = Future.new { cancel(tag) }
        @futures[tag] = [future, schema]
        starting = !@draining
        @draining = true
      end
      @start.call(proc { drain }) if starting
      [tag, future]
    end

    def cancel(tag)
      Handle.check { |error| Native.wb_queue_cancel(to_ptr, tag, error) }
      true
    rescue NotFound
      false
    end

    # Runs while calls are under way; on a thread a while longer, since more may come.
    def drain
      completions = FFI::MemoryPointer.new(Native::COMPLETION_BYTES, BATCH)
      count = FFI::MemoryPointer.new(:size_t)
      loop do
        readable = @io.wait_readable(IDLE_SECONDS)
        deliver(completions, count) if readable
        return if ended?(readable)
      end
    ensure
      # Where the thread was killed or the reactor stopped, the next submit starts another.
      @mutex.synchronize { @draining = false if @drainer.equal?(Fiber.current) }
    end

    def ended?(readable)
      @mutex.synchronize do
        @drainer = Fiber.current
        next false unless @futures.empty? && (!readable || Fiber.current_scheduler)

        @drainer = nil
        @draining = false
        true
      end
    end

    def deliver(completions, count)
      Handle.check do |error|
        Native.wb_queue_next(completions, Native::COMPLETION_BYTES, BATCH, count, to_ptr, 0, error)
      end
      count.read(:size_t).times { |i| complete(completions + i * Native::COMPLETION_BYTES) }
    rescue Closed
      nil
    end

    def complete(completion)
      status, tag = completion.get_bytes(4, 12).unpack("lQ")
      future, schema = @mutex.synchronize { @futures.delete(tag) }
      return unless future # whoever submitted it was interrupted
      return future.resolve(nil, Error.from(status, completion + 16, schema)) if status.negative?

      future.resolve(Result.new(completion.get_bytes(16 + Native::ERROR_BYTES, Native::RESULT_BYTES)), nil)
    end
  end
  private_constant :CompletionQueue
end
