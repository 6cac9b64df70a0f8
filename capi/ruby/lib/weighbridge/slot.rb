# frozen_string_literal: true
# SPDX-License-Identifier: Apache-2.0

module Weighbridge
  # A named deployment: champion, shadow, canary. Its model is swapped under traffic.
  class Slot < Handle
    include Scoring

    # @return [Engine]
    attr_reader :engine
    # @return [String]
    attr_reader :name

    # @private
    def initialize(engine, name, create)
      @name = Arguments.text(name, "slot").dup.freeze
      @engine = engine
      super(Native.method(:wb_slot_free)) do |out, error|
        Native.wb_slot_open(out, engine, @name, create ? 1 : 0, error)
      end
    end

    # Loads a bundle beside the serving model, verifies and warms it, then swaps it in. The previous model is kept for
    # rollback. On an error the slot serves what it served before.
    # @param bundle [String, Pathname, Hash{String => String}] a directory, or files by name
    # @param options [Hash] of a load: engines:, precision:, verify:, deadline: in seconds, cancel:
    # @return [self]
    # @raise [Error]
    def load(bundle, **options)
      Options.open(:load, options) do |with|
        if bundle.is_a?(Hash)
          Source.open(bundle) { |source| change { |error| Native.wb_slot_load_source(to_ptr, source, with, error) } }
        else
          path = Arguments.text(bundle, "path")
          change { |error| Native.wb_slot_load(to_ptr, path, with, error) }
        end
      end
    end

    # Points the slot at a loaded model of the same engine.
    # @param model [Model]
    # @return [self]
    # @raise [SchemaChanged, Error]
    def swap(model)
      Arguments.handle(model, Model, "model")
      change { |error| Native.wb_slot_swap(to_ptr, model, error) }
    end

    # Points the slot back at the model before the last swap.
    # @return [self]
    # @raise [NotLoaded, Error]
    def rollback = change { |error| Native.wb_slot_rollback(to_ptr, error) }

    # Lets go of the model before the last swap, and of its memory.
    # @return [self]
    def forget_previous = change { |error| Native.wb_slot_forget_previous(to_ptr, error) }

    # @return [Model] the serving one
    # @raise [NotLoaded, Error]
    def model = Model.new(@engine) { |out, error| Native.wb_slot_model(out, to_ptr, error) }

    # The schema of the model that serves, as this object last saw it: rows made for it go on fitting when the slot is
    # swapped.
    # @return [Schema]
    # @raise [NotLoaded, Error]
    def schema = @schema ||= serving_schema

    # Versions, swaps, calls and latencies of the serving version.
    # @return [Hash{Symbol => Object}]
    def describe
      Structs::SlotInfo.read { |out| Handle.check { |error| Native.wb_slot_describe(out, to_ptr, error) } }.freeze
    end

    # @return [String]
    def inspect = "#<#{self.class.name} #{name}>"

    # @private
    def native_score(result, row, deadline_ns, call, error)
      Native.wb_slot_score(result, @pointer, row, deadline_ns, call, error)
    end

    # @private
    def native_submit(queue, tag, row, deadline_ns, call, error)
      Native.wb_slot_submit(queue, tag, @pointer, row, deadline_ns, call, error)
    end

    # @private
    def native_score_batch(out, batch, deadline_ns, call, error)
      Native.wb_slot_score_batch(out, @pointer, batch, deadline_ns, call, error)
    end

    private

    # Another handle, or another process's deployment, may have swapped the slot: where names or rows do not fit the
    # schema that was seen last, those of the one that serves now count.
    def with_row(payment, features)
      seen = schema
      super
    rescue NotFound, SchemaMismatch
      raise if current_schema.digest == seen&.digest

      super
    end

    def current_schema = @schema = serving_schema

    def serving_schema
      model = self.model
      model.schema
    ensure
      model&.free
    end

    def change(&call)
      Handle.check(&call)
      @schema = nil
      self
    end
  end
end
