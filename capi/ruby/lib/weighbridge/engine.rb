# frozen_string_literal: true
# SPDX-License-Identifier: Apache-2.0

module Weighbridge
  # Owns contexts, models, slots and telemetry. Usually one in a process; made before a server forks, it works in each
  # worker too.
  class Engine < Handle
    # Something that happened: event :loaded, :swapped, :refused, :fallback, :unloaded, :overload, :failed, :warning or
    # :closed; level :info, :warning or :error; count of a rate-limited one.
    Event = Struct.new(:event, :level, :time_ns, :count, :slot, :version, :message, keyword_init: true)
    LEVELS = { 1 => :info, 2 => :warning, 3 => :error }.freeze
    EVENTS = 64
    # WB_HANDLE_*, by number.
    HANDLES = [nil, :engine, :engine_options, :load_options, :model, :slot, :schema, :batch, :call, :cancel, :text, :source,
               :queue].freeze
    private_constant :LEVELS, :EVENTS, :HANDLES

    # An engine; with a block one that is closed behind it.
    # @param options [Hash] as new's
    # @yieldparam engine [Engine]
    # @return [Engine, Object] what the block gives
    def self.open(**options)
      engine = new(**options)
      return engine unless block_given?

      begin
        yield engine
      ensure
        engine.close
      end
    end

    # @param library [String, nil] the path of libweighbridge.so.1, where it is not to be looked for
    # @param async_capacity [Integer] most async calls that are under way on the engine's threads
    # @param options [Hash] of the library: devices: "cpu=2", queue_limit:, default_deadline_us:, async_threads:, ...
    # @raise [LibraryError, Error]
    def initialize(library: nil, async_capacity: 1024, **options)
      Native.load(library)
      @completions = Completions.new(self, Arguments.count(async_capacity, "async_capacity"))
      Options.open(:engine, options) do |with|
        super(Native.method(:wb_engine_free)) { |out, error| Native.wb_engine_create(out, with, error) }
      end
    end

    # Loads a bundle: checks its files, prepares and warms every context, reproduces the golden vectors. With a block the
    # model is freed behind it.
    # @param bundle [String, Pathname, Hash{String => String}] a directory, or files by name
    # @param options [Hash] of a load: engines:, precision:, verify:, deadline: in seconds, cancel:
    # @yieldparam model [Model]
    # @return [Model, Object] what the block gives
    # @raise [Error]
    def load(bundle, **options)
      model = Options.open(:load, options) { |with| load_model(bundle, with) }
      return model unless block_given?

      begin
        yield model
      ensure
        model.free
      end
    end

    # @param name [String, Symbol]
    # @param create [Boolean] whether to make it, empty, where no slot has the name
    # @return [Slot]
    # @raise [NotFound, Error]
    def slot(name, create: false) = Slot.new(self, name, create)

    # What every slot serves and has done, as Slot#describe.
    # @return [Array<Hash>]
    def slots
      capacity = 16
      loop do
        memory = FFI::MemoryPointer.new(Structs::SlotInfo, capacity)
        count = FFI::MemoryPointer.new(:size_t)
        begin
          Handle.check do |error|
            Native.wb_engine_slots(memory, Structs::SlotInfo.size, capacity, count, to_ptr, error)
          end
          return Structs::SlotInfo.read_array(memory, count.read(:size_t)).each(&:freeze)
        rescue BufferTooSmall
          capacity = count.read(:size_t)
        end
      end
    end

    # Counters and latencies since the engine was made; handles: the process's live objects of the library's, by kind.
    # @return [Hash{Symbol => Object}]
    def snapshot
      info = Structs::Snapshot.read { |out| Handle.check { |error| Native.wb_engine_snapshot(out, to_ptr, error) } }
      live = info[:handles].each_with_index.reject { |count, _| count.zero? }
      info.merge(handles: live.to_h { |count, kind| [HANDLES[kind] || kind, count] }.freeze).freeze
    end

    # @return [String] the same, and of each slot, as Prometheus text
    def metrics = Handle.text { |out, error| Native.wb_engine_metrics(out, to_ptr, error) }

    # Takes the events that nobody took yet.
    # @return [Array(Array<Event>, Integer)] the events, oldest first, and how many were lost
    def events
      memory = FFI::MemoryPointer.new(Structs::Event, EVENTS)
      count = FFI::MemoryPointer.new(:size_t)
      dropped = FFI::MemoryPointer.new(:uint64)
      events = []
      lost = 0
      loop do
        Handle.check do |error|
          Native.wb_engine_events(memory, Structs::Event.size, EVENTS, count, dropped, to_ptr, error)
        end
        events.concat(Structs::Event.read_array(memory, count.read(:size_t)).map { |it| event(it) })
        lost += dropped.read_uint64
        return [events, lost] if count.read(:size_t) < EVENTS
      end
    end

    # Writes the events that nobody took yet to a logger: to be called every second or so, from a thread of the host's.
    # @param logger [Logger]
    # @return [nil]
    def log_to(logger)
      # Events are taken once: not for what cannot log them.
      raise InvalidArgument, "logger: expected one with info, warn and error, got #{logger.class}" unless
        %i[info warn error].all? { |it| logger.respond_to?(it) }

      events, lost = self.events
      logger.warn("weighbridge: #{lost} events were not taken in time") if lost.positive?
      events.each do |event|
        slot = " #{event.slot}" unless event.slot.empty?
        logger.public_send(event.level == :warning ? :warn : event.level, "weighbridge#{slot}: #{event.message}")
      end
      nil
    end

    # Frees what was swapped out. Every load and swap does the same.
    # @return [nil]
    def maintain
      Handle.check { |error| Native.wb_engine_maintain(to_ptr, error) }
      nil
    end

    # Runs async calls that wait, on this thread: for an engine with async_threads: 0.
    # @param deadline [Numeric, nil] seconds until when to begin another
    # @return [Integer] how many it ran
    def work(deadline: nil)
      out = FFI::MemoryPointer.new(:uint64)
      Handle.check { |error| Native.wb_engine_work(out, to_ptr, Arguments.deadline_ns(deadline), error) }
      out.read_uint64
    end

    # Refuses new calls, and waits for those in progress.
    # @param deadline [Numeric, nil] seconds to wait
    # @return [nil]
    # @raise [DeadlineExceeded] still closing; may be called again
    def close(deadline: nil)
      Handle.check { |error| Native.wb_engine_close(to_ptr, Arguments.deadline_ns(deadline), error) }
      nil
    end

    # @private
    attr_reader :completions

    private

    def load_model(bundle, options)
      unless bundle.is_a?(Hash)
        path = Arguments.text(bundle, "path")
        return Model.new(self) { |out, error| Native.wb_model_load(out, to_ptr, path, options, error) }
      end

      Source.open(bundle) do |source|
        Model.new(self) { |out, error| Native.wb_model_load_source(out, to_ptr, source, options, error) }
      end
    end

    def event(info)
      Event.new(**info, event: Names.of(:event, info[:event]), level: LEVELS.fetch(info[:level], :info)).freeze
    end
  end
end
