# frozen_string_literal: true
# SPDX-License-Identifier: Apache-2.0

module Weighbridge
  # A flag that another thread sets to end calls early. For any number of threads.
  class Cancel < Handle
    def initialize
      Native.load
      super(Native.method(:wb_cancel_free)) { |out, error| Native.wb_cancel_create(out, error) }
    end

    # Ends the calls that carry it: they raise Cancelled soon after.
    # @return [self]
    def set = write(1)

    # Makes it fit for the next calls.
    # @return [self]
    def clear = write(0)

    private

    def write(value)
      Handle.check { |error| Native.wb_cancel_set(to_ptr, value, error) }
      self
    end
  end

  # Options of calls, to be used again. For one thread at a time: a call that finds another one with it raises Busy.
  class Call < Handle
    include Exclusive
    PRIORITIES = { normal: 0, high: 1 }.freeze
    private_constant :PRIORITIES

    # @param priority [Symbol] :normal, or :high, which is served before every normal request that waits
    # @param fallback [Boolean] whether the bundle's fallback may answer; else there is an error where it would
    # @param cancel [Cancel, nil]
    # @param wait [Boolean] whether to wait for a context; else WouldWait is raised at once
    # @param outputs [Array<Schema::Output>] those of Schema#outputs that Result#output is to have; for score alone
    def initialize(priority: :normal, fallback: true, cancel: nil, wait: true, outputs: [])
      Native.load
      super(Native.method(:wb_call_free)) { |out, error| Native.wb_call_create(out, error) }
      number = PRIORITIES.fetch(priority) do
        raise InvalidArgument, "priority: expected :normal or :high, got #{priority.inspect}"
      end
      set(:priority, number)
      set(:fallback, fallback ? 1 : 0)
      set(:cancel, Arguments.handle(cancel, Cancel, "cancel")) if cancel
      set(:wait, wait ? 1 : 0)
      @settings = { priority: priority, fallback: fallback, cancel: cancel }
      @outputs = Arguments.outputs(outputs).to_h { |output| [output.name, place(output)] }
    end

    # The same call, but one that does not wait.
    # @private
    def immediate = @immediate ||= Call.new(**@settings, wait: false)

    # @private
    def outputs? = !@outputs.empty?

    # @private
    def read_outputs
      @outputs.transform_values { |memory| memory.read_array_of_float(memory.size / 4).freeze }.freeze
    end

    private

    def in_use = "call: it is in use by another thread"

    def set(option, value)
      Handle.check { |error| Native.public_send(:"wb_call_set_#{option}", to_ptr, value, error) }
    end

    def place(output)
      memory = FFI::MemoryPointer.new(:float, output.size)
      Handle.check { |error| Native.wb_call_set_output(to_ptr, output.index, memory, output.size, error) }
      memory
    end
  end

  # A bundle in memory: what comes from an object store, a database or an archive.
  # @private
  class Source < Handle
    # @param files [Hash{String => String}]
    # @yieldparam source [Source]
    def self.open(files)
      source = new
      files.each { |name, bytes| source.add(name, bytes) }
      yield source
    ensure
      source&.free
    end

    def initialize
      super(Native.method(:wb_source_free)) { |out, error| Native.wb_source_create(out, error) }
    end

    def add(name, bytes)
      name = Arguments.text(name, "a file's name")
      raise InvalidArgument, "file '#{name}': expected its bytes as a String, got #{bytes.class}" unless
        bytes.is_a?(String)

      memory = FFI::MemoryPointer.new(1, [bytes.bytesize, 1].max).put_bytes(0, bytes)
      Handle.check { |error| Native.wb_source_add_file(to_ptr, name, memory, bytes.bytesize, error) }
    end
  end
  private_constant :Source
end
