# frozen_string_literal: true
# SPDX-License-Identifier: Apache-2.0

module Weighbridge
  # An object of the library's. Garbage collection frees it, in any order; a freed one is an InvalidHandle, never a crash.
  class Handle
    # @private
    def initialize(free)
      out = FFI::MemoryPointer.new(:pointer)
      Handle.check { |error| yield out, error }
      # A token, never dereferenced. It stays with the object when it is freed, so that the library tells of its use.
      @pointer = out.read_pointer
      @released = FFI::AutoPointer.new(@pointer, free)
    ensure
      # What Timeout or Thread#kill raises comes behind a call that has made its object: nobody would free that.
      free.call(out.read_pointer) unless @released || out.nil? || out.read_pointer.null?
    end

    # Frees the library's object now; what is under way goes on. Does nothing the second time.
    # @return [nil]
    def free
      @released.free
      nil
    end

    # @private
    def to_ptr = @pointer

    # @return [String]
    def inspect = "#<#{self.class.name}>"

    # Handles are not copied, nor handed to other Ractors.
    # @private
    def initialize_copy(_other)
      raise TypeError, "a #{self.class.name} cannot be copied"
    end

    class << self
      # Runs a C function with a wb_error of its own.
      # @yield [error] the call, which returns a status
      # @return [Integer] the status, zero or above
      # @raise [Error]
      # @private
      def check(schema = nil)
        error = FFI::MemoryPointer.new(Native::ERROR_BYTES)
        error.put_uint32(0, Native::ERROR_BYTES)
        status = yield error
        raise Error.from(status, error, schema) if status.negative?

        status
      end

      # A text that a C function makes.
      # @private
      def text
        out = FFI::MemoryPointer.new(:pointer)
        check { |error| yield out, error }
        take_text(out)
      end

      # @param out [FFI::Pointer] to the text, which is freed
      # @private
      def take_text(out)
        text = out.read_pointer
        begin
          Native.wb_text_data(text).read_bytes(Native.wb_text_size(text)).force_encoding(Encoding::UTF_8)
        ensure
          Native.wb_text_free(text)
        end
      end
    end
  end

  # What goes into C functions.
  # @private
  module Arguments
    module_function

    # A path, name or option as UTF-8 that ends at its end.
    # @raise [InvalidArgument]
    def text(value, what)
      text = value.respond_to?(:to_path) ? value.to_path : value
      text = text.name if text.is_a?(Symbol)
      raise InvalidArgument, "#{what}: expected a String, got #{value.class}" unless text.is_a?(String)

      utf8 = text.encoding == Encoding::BINARY ? text.dup.force_encoding(Encoding::UTF_8) : text.encode(Encoding::UTF_8)
      raise InvalidArgument, "#{what}: expected UTF-8 without NUL, got #{text.inspect}" if
        !utf8.valid_encoding? || utf8.include?("\0")

      utf8
    rescue EncodingError
      raise InvalidArgument, "#{what}: expected text that UTF-8 has, got #{text.inspect}"
    end

    # An object of the library's, of the right class; nil is for the library to refuse.
    # @raise [InvalidArgument]
    def handle(value, kind, what)
      return value if value.nil? || kind === value

      raise InvalidArgument, "#{what}: expected a #{kind.name}, got #{value.class}"
    end

    # @return [Array<Schema::Output>]
    # @raise [InvalidArgument]
    def outputs(values)
      return values if Array === values && values.all?(Schema::Output)

      raise InvalidArgument, "outputs: expected an Array of some of Schema#outputs, got #{values.inspect}"
    end

    # A number of bytes or of calls.
    # @raise [InvalidArgument]
    def count(value, what)
      return value if Integer === value && value.between?(0, 2**32 - 1)

      raise InvalidArgument, "#{what}: expected an Integer in [0, #{2**32 - 1}], got #{value.inspect}"
    end

    # @return [Hash]
    # @raise [InvalidArgument]
    def hash(value, what)
      return value if Hash === value

      Hash.try_convert(value) or raise InvalidArgument, "#{what}: expected a Hash, got #{value.class}"
    end

    # An absolute deadline of CLOCK_MONOTONIC from seconds to go; nil stands for the engine's own.
    # @raise [InvalidArgument]
    def deadline_ns(seconds)
      return Native::DEFAULT_DEADLINE if seconds.nil?
      return far(seconds) unless seconds.is_a?(Numeric) && seconds.real? && seconds.abs < 1e9

      Process.clock_gettime(Process::CLOCK_MONOTONIC, :nanosecond) + (seconds * 1_000_000_000).to_i
    end

    def far(seconds)
      raise InvalidArgument, "deadline: expected seconds, got #{seconds.inspect}" unless
        seconds.is_a?(Numeric) && seconds.real? && !(seconds.respond_to?(:nan?) && seconds.nan?)

      seconds.positive? ? Native::NO_DEADLINE : 0
    end
  end
  private_constant :Arguments
end
