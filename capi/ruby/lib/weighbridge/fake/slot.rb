# frozen_string_literal: true
# SPDX-License-Identifier: Apache-2.0

module Weighbridge
  # What the handles of a slot share: the versions that it serves and served.
  class Deployment
    # A version that serves, and what it has done since it does.
    Serving = Struct.new(:loaded, :figures)
    private_constant :Serving
    attr_reader :name, :serving, :generation

    def initialize(engine, name)
      @engine = engine
      @name = name
      @generation = 0
      @mutex = Mutex.new
    end

    def swap(loaded)
      @mutex.synchronize do
        why = @serving && loaded.schema.misfit(@serving.loaded.schema)
        raise SchemaChanged, "slot '#{@name}': #{why}" if why

        serve(loaded)
      end
    end

    def rollback
      @mutex.synchronize do
        raise NotLoaded, "slot '#{@name}': expected a model before the last swap, found none" unless @previous

        serve(@previous)
      end
    end

    def forget = @mutex.synchronize { @previous = nil }

    def describe
      loaded, figures = @serving.to_a
      { name: @name, version: loaded&.version.to_s, previous_version: @previous&.version.to_s,
        generation: @generation, since_ns: @since_ns.to_i, bundle: loaded&.bundle.to_i,
        previous_bundle: @previous&.bundle.to_i, **(figures || Figures.new).to_h, **Engine::LATENCIES }.freeze
    end

    private

    def serve(loaded)
      @previous = @serving&.loaded
      @serving = Serving.new(loaded, Figures.new).freeze
      @generation += 1
      @since_ns = Process.clock_gettime(Process::CLOCK_MONOTONIC, :nanosecond)
      @engine.tell(:swapped, :info, "#{loaded.version} serves", @name, loaded.version)
    end
  end
  private_constant :Deployment

  # A named deployment, whose model is swapped under traffic.
  class Slot < Handle
    include Scoring
    attr_reader :engine, :name

    def initialize(engine, deployment)
      super()
      @engine = engine
      @deployment = deployment
      @name = deployment.name
    end

    def load(bundle, **options)
      @engine.load_for(@name, bundle, **options) { |loaded| change { |it| it.swap(loaded) } }
    end

    def swap(model) = change { |it| it.swap(model.serving) }
    def rollback = change(&:rollback)
    def forget_previous = change(&:forget)
    def model = Model.new(@engine, serving)
    def schema = serving.schema
    def describe = @deployment.describe

    # What it stands for.
    def serving = target.first

    private

    def target
      check_alive
      @engine.check_open
      raise NotLoaded, "slot '#{@name}': expected a model, found none" unless (serving = @deployment.serving)

      serving.to_a
    end

    def change
      check_alive
      @engine.check_open
      yield @deployment
      self
    end
  end
end
