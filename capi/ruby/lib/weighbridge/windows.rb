# frozen_string_literal: true
# SPDX-License-Identifier: Apache-2.0

module Weighbridge
  # Scores windows of payments as strided rows, and gathers their answers.
  # @private
  class Windows < Handle
    include StridedRows

    # WB_COLUMN_*, and the type of its elements
    COLUMNS = { score: [1, :double], probability: [2, :double], band: [3, :int32], status: [4, :int32] }.freeze
    READERS = { double: :get_array_of_double, int32: :get_array_of_int32 }.freeze
    FALLBACK = 1
    private_constant :COLUMNS, :READERS, :FALLBACK

    # @param outputs [Array<Schema::Output>]
    def initialize(target, schema, outputs)
      @target = target
      @schema = schema
      super(Native.method(:wb_batch_free)) { |out, error| Native.wb_batch_create(out, @schema, error) }
      @outputs = Arguments.outputs(outputs)
      @answers = COLUMNS.transform_values { [] }
      @floats = outputs.to_h { |output| [output.name, []] }
      @errors = {}
      @versions = []
    end

    # @param first [Integer] place of the window's first payment
    # @param rows [Array] of each payment its values, or the Error that it has instead
    def score(first, rows, deadline_ns, call)
      refused = place_rows(rows)
      columns = COLUMNS.transform_values { |number, type| place_column(number, type, rows.size) }
      floats = @outputs.to_h { |output| [output, place_output(output, rows.size)] }
      run(deadline_ns, call)
      refuse(first, refused, columns[:status].get_array_of_int32(0, rows.size))
      gather(refused, columns, floats, rows.size)
    end

    # @return [Batch]
    def batch
      free
      fallbacks = @answers[:status].each_index.select { |row| @answers[:status][row] == FALLBACK }
      bands = @answers[:band].map { |band| band unless band.negative? }
      Batch.new(@answers[:score], @answers[:probability], bands, fallbacks, @errors, @versions.uniq, @floats)
    end

    private

    def place_column(number, type, size)
      memory = FFI::MemoryPointer.new(type, size)
      Handle.check { |error| Native.wb_batch_set_result(to_ptr, number, memory, memory.type_size, error) }
      memory
    end

    def place_output(output, size)
      memory = FFI::MemoryPointer.new(:float, size * output.size)
      Handle.check { |error| Native.wb_batch_set_output(to_ptr, output.index, memory, 4 * output.size, error) }
      memory
    end

    def run(deadline_ns, call)
      info = Structs::BatchResult.read do |out|
        Handle.check(@schema) { |error| @target.native_score_batch(out, to_ptr, deadline_ns, call, error) }
      end
      @versions << info[:version] unless info[:version].empty?
    end

    def refuse(first, refused, statuses)
      statuses.each_with_index do |status, row|
        error = refused[row] || (why(row, status) if status.negative?)
        @errors[first + row] = at(first + row, error) if error
      end
    end

    # The same error, of a row of the whole.
    def at(row, error) = error.class.new(error.message, code: error.code, feature: error.feature, row: row)

    # The batch tells of its first error alone; of a value that is not acceptable the library tells again.
    def why(row, status)
      Handle.check(@schema) { |error| Native.wb_batch_check(to_ptr, row, error) }
      Error.of(status).new(Native.wb_status_name(status), code: status)
    rescue InvalidInput => e
      e
    end

    def gather(refused, columns, floats, size)
      columns.each do |name, memory|
        _, type = COLUMNS.fetch(name)
        values = memory.public_send(READERS.fetch(type), 0, size)
        refused.each { |row, error| values[row] = name == :status ? error.code : (type == :double ? Float::NAN : -1) }
        @answers[name].concat(values)
      end
      floats.each do |output, memory|
        rows = memory.get_array_of_float(0, size * output.size).each_slice(output.size).to_a
        refused.each_key { |row| rows[row] = Array.new(output.size, Float::NAN) }
        @floats[output.name].concat(rows)
      end
    end
  end
  private_constant :Windows
end
