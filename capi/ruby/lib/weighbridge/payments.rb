# frozen_string_literal: true
# SPDX-License-Identifier: Apache-2.0

module Weighbridge
  # What score_all takes, as values in the order of the schema's layout, a window at a time.
  # @private
  class Payments
    def self.of(schema, payments)
      columns = Hash.try_convert(payments)
      return Columns.new(schema, columns) if columns

      list = Array.try_convert(payments)
      return new(schema, list) if list

      raise InvalidArgument, "payments: expected an Array of Hashes or a Hash of Arrays, got #{payments.class}"
    end

    def initialize(schema, payments)
      @schema = schema
      @payments = payments
    end

    # @yieldparam first [Integer] place of the window's first payment
    # @yieldparam rows [Array<Array>, Array<Error>] values, or why there are none
    def each_window(size)
      (0...count).step(size) { |first| yield first, window(first, [size, count - first].min) }
    end

    # @return [Integer]
    def count = @payments.size

    # @return [Array<Array>, Array<Error>] of each payment its values, or why there are none
    def window(first, size)
      @payments[first, size].map do |payment|
        values = Hash.try_convert(payment) or
          raise InvalidArgument, "payment: expected a Hash, got #{payment.class}"

        @schema.order(values)
      rescue Error => e
        e
      end
    end
  end
  private_constant :Payments

  # Columns of one length.
  # @private
  class Columns < Payments
    def initialize(schema, columns)
      columns = columns.to_h do |name, column|
        [name, Array.try_convert(column) ||
          raise(InvalidArgument, "column '#{name}': expected an Array, got #{column.class}")]
      end
      sizes = columns.transform_values(&:size)
      raise InvalidArgument, "columns: expected one length, got #{sizes}" if sizes.values.uniq.size > 1

      super(schema, schema.order(columns))
      @count = sizes.values.first || 0
    end

    attr_reader :count

    def window(first, size)
      nothing = Array.new(size)
      @payments.map { |column| column ? column[first, size] : nothing }.transpose
    end
  end
  private_constant :Columns
end
