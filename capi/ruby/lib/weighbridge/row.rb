# frozen_string_literal: true
# SPDX-License-Identifier: Apache-2.0

module Weighbridge
  # A payment's features in the layout that the schema publishes, to be used again for the next payment. A setter is a
  # write into memory of the row's own. For one thread at a time: what finds another one scoring it raises Busy.
  class Row
    include Exclusive

    # @return [Schema]
    attr_reader :schema
    # Where the row, a result and an error lie: one block.
    # @private
    attr_reader :data, :result, :error
    # Bytes that the row has room for.
    # @private
    attr_reader :capacity

    # @param schema [Schema]
    # @param tail_bytes [Integer] room for texts and sequences to begin with; the row grows where they need more
    def initialize(schema, tail_bytes: 512)
      raise InvalidArgument, "schema: expected a Weighbridge::Schema, got #{schema.class}" unless Schema === schema

      @schema = schema
      allocate(schema.fixed_bytes + Arguments.count(tail_bytes, "tail_bytes"))
      Handle.check { |error| Native.wb_row_init(schema, @data, @capacity, error) }
    end

    # Sets a feature: an Integer, Float, BigDecimal, true or false, a Time, a String or Symbol, an Array of those. nil
    # makes it missing. What is refused leaves the row as it was.
    # @param name [Symbol, String]
    # @raise [NotFound, InvalidInput]
    def []=(name, value)
      write(@schema[name], value)
    end

    # Sets some features, and leaves the others as they are.
    # @param features [Hash] names to values
    # @return [self]
    # @raise [NotFound, InvalidInput] those that were named before stay set
    def set(features)
      Arguments.hash(features, "features").each { |name, value| self[name] = value }
      self
    end

    # Sets the features that are named, and makes all others missing: quicker than set where most of them are.
    # @param features [Hash] names to values
    # @return [self]
    # @raise [NotFound, InvalidInput] the row is unspecified then
    def replace(features)
      fill(@schema.order(Arguments.hash(features, "features")))
    end

    # Makes every feature missing.
    # @return [self]
    def clear = replace({})

    # Sets features from a JSON object, as it came from the wire. All or nothing.
    # @param json [String]
    # @return [self]
    # @raise [InvalidInput] not JSON, an unknown or repeated name, a wrong type
    def set_json(json)
      raise InvalidArgument, "json: expected a String, got #{json.class}" unless json.is_a?(String)

      check_writable

      bytes = FFI::MemoryPointer.new(1, [json.bytesize, 1].max).put_bytes(0, json)
      loop do
        status = Native.wb_row_set_json(@schema, @data, bytes, json.bytesize, @error)
        return self unless status.negative?
        raise Error.from(status, @error, @schema) unless status == Native::BUFFER_TOO_SMALL

        reserve(2 * @capacity)
      end
    end

    # The features as JSON, for logs: values of features with a privacy class are "<redacted>".
    # @return [String]
    def to_json(*) = Handle.text { |out, error| Native.wb_row_get_json(out, @schema, @data, error) }

    # @return [String] without values of features with a privacy class
    def inspect = "#<#{self.class.name} #{self}>"

    # @return [String] as to_json, or what is wrong with the row
    def to_s
      to_json
    rescue Error => e
      e.message
    end

    # @param name [Symbol, String]
    # @return [Boolean]
    def missing?(name)
      index = @schema[name].index
      @data.get_uint8(@schema.layout.start + index / 8)[index % 8] == 1
    end

    # @return [String] the row's bytes in use, as weighbridge/c/row.h lays them out
    def bytes = @data.get_bytes(0, used)

    # @private
    def initialize_copy(other)
      used = other.bytes.bytesize
      allocate(other.capacity)
      Handle.check { |error| Native.wb_row_init(@schema, @data, @capacity, error) }
      @data.put_bytes(@schema.layout.start, other.bytes, @schema.layout.start)
      @data.put_uint32(4, used)
      @immediate = @packed = @holder = nil
    end

    # Sets every feature, from values in the order of the layout.
    # @private
    def fill(values)
      check_writable
      layout = @schema.layout
      packed = @packed ||= layout.packed
      layout.pack(values, packed)
      reserve(packed.used)
      layout.write(packed, @data)
      @data.put_uint32(4, packed.used)
      packed.tail.clear if packed.used > Schema::KEPT_BYTES
      packed.odd&.each { |feature, value| let_library_read(feature, value) }
      self
    end

    # Scores it on this thread.
    # @param target [Scoring]
    # @return [Result]
    # @private
    def score_by(target, deadline_ns, call)
      refuse_if_taken if @holder
      mine = @holder = Thread.current
      status = target.native_score(@result, @data, deadline_ns, call, @error)
      raise Error.from(status, @error, @schema) if status.negative?

      Result.new(@result.get_bytes(0, Native::RESULT_BYTES))
    ensure
      @holder = nil if mine
    end

    # A place in the tail for bytes.
    # @private
    def append(bytes)
      at = used + 7 & -8
      reserve(at + bytes.bytesize)
      @data.put_bytes(at, bytes)
      @data.put_uint32(4, at + bytes.bytesize)
      at
    end

    # Frees the row's memory now, of a row that nobody will use again: garbage collection does not know how large it is.
    # @private
    def release
      @block.free
      @block = @data = @result = @error = nil
    end

    # Options of a call that does not wait for a context; the row's, since it too is for one thread at a time.
    # @private
    def immediate = @immediate ||= Call.new(wait: false)

    private

    def in_use = "row: in use by another call"

    def check_writable
      raise FrozenError.new("can't modify frozen #{self.class}", receiver: self) if frozen?

      refuse_if_taken
    end

    def used = @data.get_uint32(4)

    def allocate(capacity)
      @capacity = capacity + 7 & -8
      raise BufferTooSmall, "row: expected at most #{2**32 - 8} bytes, got #{capacity}" if @capacity >= 2**32

      @block = FFI::MemoryPointer.new(Native::ERROR_BYTES + Native::RESULT_BYTES + @capacity)
      @error = @block.slice(0, Native::ERROR_BYTES).put_uint32(0, Native::ERROR_BYTES)
      @result = @block.slice(Native::ERROR_BYTES, Native::RESULT_BYTES).put_uint32(0, Native::RESULT_BYTES)
      @data = @block.slice(Native::ERROR_BYTES + Native::RESULT_BYTES, @capacity)
    end

    # Moves the row to larger memory: its bytes in use are copied, and the capacity is written.
    def reserve(bytes)
      return if bytes <= @capacity

      before = self.bytes
      allocate([bytes, 2 * @capacity].max)
      @data.put_bytes(0, before).put_uint32(0, @capacity)
      @data.put_uint32(16, 0)
    end

    def write(feature, value)
      check_writable
      return mark(feature, missing: true) if nil.equal?(value)

      field = feature.codec.encode(value, self)
      return let_library_read(feature, value) if Codec::ODD.equal?(field)

      @data.put_bytes(feature.offset, [field].pack(feature.directive))
      mark(feature, missing: false)
    end

    def mark(feature, missing:)
      at = @schema.layout.start + feature.index / 8
      bit = 1 << feature.index % 8
      byte = @data.get_uint8(at)
      @data.put_uint8(at, missing ? byte | bit : byte & ~bit)
    end

    def let_library_read(feature, value) = set_json("{#{JSON.generate(feature.name)}:#{feature.json(value)}}")
  end
end
