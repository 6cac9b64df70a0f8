# frozen_string_literal: true
# SPDX-License-Identifier: Apache-2.0

module Weighbridge
  # Rows of one stride for a batch of the library's, which is the including handle; its @schema fills them.
  # @private
  module StridedRows
    private

    # Puts the payments into rows of one stride, which live until the next window. One that is no row is an empty row.
    # @return [Hash{Integer => Error}]
    def place_rows(rows)
      refused = {}
      bytes = rows.each_with_index.map { |values, row| row_bytes(values) { |error| refused[row] = error } }
      stride = bytes.map(&:bytesize).max + 7 & -8
      capacity = [stride].pack("L")
      @rows = FFI::MemoryPointer.new(1, stride * rows.size)
      @rows.put_bytes(0, bytes.map { |row| (capacity + row.byteslice(4..)).ljust(stride, "\0") }.join)
      Handle.check { |error| Native.wb_batch_reset(to_ptr, rows.size, error) }
      Handle.check { |error| Native.wb_batch_set_rows(to_ptr, @rows, stride, error) }
      refused
    end

    def row_bytes(values)
      @schema.borrow do |row|
        raise values if values.is_a?(Error)

        row.fill(values).bytes
      rescue Error => e
        yield e
        row.clear.bytes
      end
    end
  end
  private_constant :StridedRows
end
