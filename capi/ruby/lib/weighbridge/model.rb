# frozen_string_literal: true
# SPDX-License-Identifier: Apache-2.0

module Weighbridge
  # One loaded version of a bundle.
  class Model < Handle
    include Scoring

    # @return [Engine]
    attr_reader :engine

    # @private
    def initialize(engine, &made)
      super(Native.method(:wb_model_free), &made)
      @engine = engine
    end

    # @return [Schema]
    def schema
      @schema ||= Schema.new { |out, error| Native.wb_model_schema(out, to_ptr, error) }
    end

    # What was loaded and what runs it: name, version, digests, backend, precision, memory.
    # @return [Hash{Symbol => Object}]
    def describe
      info = Structs::ModelDescription.read do |out|
        Handle.check { |error| Native.wb_model_describe(out, to_ptr, error) }
      end
      info.merge(backend: Names.of(:backend, info[:backend]), precision: Names.of(:precision, info[:precision])).freeze
    end

    # @private
    def native_score(result, row, deadline_ns, call, error)
      Native.wb_model_score(result, @pointer, row, deadline_ns, call, error)
    end

    # @private
    def native_submit(queue, tag, row, deadline_ns, call, error)
      Native.wb_model_submit(queue, tag, @pointer, row, deadline_ns, call, error)
    end

    # @private
    def native_score_batch(out, batch, deadline_ns, call, error)
      Native.wb_model_score_batch(out, @pointer, batch, deadline_ns, call, error)
    end
  end
end
