# frozen_string_literal: true
# SPDX-License-Identifier: Apache-2.0

module Weighbridge
  # Owns models and slots.
  class Engine < Handle
    Event = Struct.new(:event, :level, :time_ns, :count, :slot, :version, :message, keyword_init: true)
    # What the fake does not measure.
    LATENCIES = %i[latency_p50_ns latency_p90_ns latency_p99_ns latency_p999_ns latency_max_ns].to_h { |it| [it, 0] }
                                                                                               .freeze
    EVENTS = 256
    private_constant :EVENTS

    def self.open(**options)
      engine = new(**options)
      return engine unless block_given?

      begin
        yield engine
      ensure
        engine.close
      end
    end

    # @param options [Hash] those of the library; only default_deadline_us: counts
    def initialize(library: nil, async_capacity: 1024, default_deadline_us: 0, **_options)
      super()
      @default_deadline_us = Integer(default_deadline_us)
      @mutex = Mutex.new
      @deployments = {}
      @events = []
      @lost = 0
      @figures = Figures.new
    end

    attr_reader :figures

    def load(bundle, **options)
      model = Model.new(self, load_for("", bundle, **options) { |it| it })
      return model unless block_given?

      begin
        yield model
      ensure
        model.free
      end
    end

    def slot(name, create: false)
      check_open
      name = name.to_s
      raise InvalidArgument, "slot: expected letters, digits, '.', '_' and '-', got #{name.inspect}" unless
        name.match?(/\A[A-Za-z0-9._-]{1,63}\z/)

      deployment = @mutex.synchronize do
        create ? @deployments[name] ||= Deployment.new(self, name) : @deployments[name]
      end
      raise NotFound, "there is no slot '#{name}'; there are: #{@deployments.keys.join(", ")}" unless deployment

      Slot.new(self, deployment)
    end

    def slots = @deployments.values.map(&:describe)

    def snapshot
      { contexts: 1, waiting: 0, models: @deployments.values.count(&:serving), **@figures.to_h,
        swaps: @deployments.values.sum(&:generation), **LATENCIES, handles: {} }.freeze
    end

    def metrics
      lines = @figures.to_h.map { |name, count| "weighbridge_#{name}_total #{count}" }
      slots.each do |slot|
        labels = format('{slot="%s",version="%s",bundle="%016x"}', slot[:name], slot[:version], slot[:bundle])
        Figures::NAMES.each { |name| lines << "weighbridge_slot_version_#{name}_total#{labels} #{slot[name]}" }
      end
      "#{lines.join("\n")}\n"
    end

    def events = @mutex.synchronize { [@events.slice!(0..), @lost.tap { @lost = 0 }] }

    def log_to(logger)
      events, lost = self.events
      logger.warn("weighbridge: #{lost} events were not taken in time") if lost.positive?
      events.each do |event|
        slot = " #{event.slot}" unless event.slot.empty?
        logger.public_send(event.level, "weighbridge#{slot}: #{event.message}")
      end
      nil
    end

    def maintain = check_open
    def work(deadline: nil) = 0

    def close(deadline: nil)
      @closed = true
      nil
    end

    # @raise [Closed]
    def check_open
      check_alive
      raise Closed, "the engine is closed" if @closed
    end

    def deadline(seconds) = Clock.deadline(seconds, @default_deadline_us)

    # Loads for a slot, or for none; tells of it.
    # @yieldparam loaded [Loaded]
    def load_for(slot, bundle, fake_script: nil, deadline: nil, cancel: nil, **_options)
      check_open
      loaded = Loaded.new(bundle, fake_script)
      loaded.script.load(Clock.deadline(deadline, 0), [cancel].compact)
      tell(:loaded, :info, "#{loaded.version} is loaded: its scores are a script's, for tests", slot, loaded.version)
      yield loaded
    rescue Error => e
      tell(:refused, :error, e.message, slot, "")
      raise
    end

    def tell(event, level, message, slot, version)
      now = Process.clock_gettime(Process::CLOCK_MONOTONIC, :nanosecond)
      told = Event.new(event: event, level: level, time_ns: now, count: 1, slot: slot, version: version,
                       message: message)
      @mutex.synchronize { @events.size < EVENTS ? @events << told.freeze : @lost += 1 }
    end
  end
end
