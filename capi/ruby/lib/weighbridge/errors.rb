# frozen_string_literal: true
# SPDX-License-Identifier: Apache-2.0

module Weighbridge
  # What the library, or this binding of it, refused. Its subclasses are the library's status codes; weighbridge/c/base.h
  # says of each what happened and what to do next.
  class Error < StandardError
    # @return [Integer, nil] the library's status code; nil where the library was not asked
    attr_reader :code
    # @return [Symbol, nil] the feature that is to blame
    attr_reader :feature
    # @return [Integer, nil] the row that is to blame, in its batch; 0 of a single row
    attr_reader :row

    # @param message [String, nil] without a message a generic one
    def initialize(message = nil, code: self.class.code, feature: nil, row: nil)
      super(message || self.class.name)
      @code = code
      @feature = feature
      @row = row
    end

    # @return [String, nil] the code's name in C, such as "WB_INVALID_INPUT"
    def code_name = (self.class.code_name || Native.wb_status_name(code) if code)

    class << self
      # @return [Integer, nil] the status code that this class stands for
      attr_reader :code
      # @return [String, nil] its name in C
      attr_reader :code_name

      # The exception for a status code below zero: of its class, or an Error for a code that this gem does not know.
      # @param error [FFI::Pointer] the wb_error that the call wrote
      # @param schema [Schema, nil] to name the feature
      # @private
      def from(status, error, schema = nil)
        code, index, row = error.get_bytes(4, 20).unpack("llx4q")
        message = code == status ? error.get_string(24) : ""
        message = message.empty? ? Native.wb_status_name(status) : message.force_encoding(Encoding::UTF_8)
        blamed = code == status
        of(status).new(message, code: status, feature: (schema.feature_name(index) if blamed && schema),
                                row: (row if blamed && row >= 0))
      end

      # The class of a status code.
      # @private
      def of(status) = BY_CODE.fetch(status, Error)

      private

      def stands_for(code, name)
        @code = code
        @code_name = name
      end
    end
  end

  # A value of a payment is not acceptable; #feature names it. Fix the input: a retry gives the same answer.
  class InvalidInput < Error
    stands_for(-1, "WB_INVALID_INPUT")
  end

  # The call itself is wrong: an option's value, a deadline that is no number. Fix the calling code.
  class InvalidArgument < Error
    stands_for(-2, "WB_INVALID_ARGUMENT")
  end

  # The object was closed. Fix the calling code.
  class InvalidHandle < Error
    stands_for(-3, "WB_INVALID_HANDLE")
  end

  # The row or call object is in use by another thread. Give each thread its own.
  class Busy < Error
    stands_for(-4, "WB_BUSY")
  end

  # All contexts are taken and the queue is full. Retry later, add contexts, or shed upstream.
  class Overloaded < Error
    stands_for(-5, "WB_OVERLOADED")
  end

  # The deadline passed before an answer, and fallback answers were declined. Retrying is safe.
  class DeadlineExceeded < Error
    stands_for(-6, "WB_DEADLINE_EXCEEDED")
  end

  # The call's cancel token was set, or the future was cancelled.
  class Cancelled < Error
    stands_for(-7, "WB_CANCELLED")
  end

  # The engine is closed or closing.
  class Closed < Error
    stands_for(-8, "WB_CLOSED")
  end

  # The process forked after this engine had started threads. Make a new engine in the child.
  class Forked < Error
    stands_for(-9, "WB_FORKED")
  end

  # A file of the bundle is missing, damaged, or says something that this version does not accept.
  class InvalidBundle < Error
    stands_for(-10, "WB_INVALID_BUNDLE")
  end

  # A file could not be read or written.
  class FileError < Error
    stands_for(-11, "WB_IO_ERROR")
  end

  # A swap would change the schema that callers fill in.
  class SchemaChanged < Error
    stands_for(-12, "WB_SCHEMA_CHANGED")
  end

  # No allowed engine can run this model.
  class BackendUnavailable < Error
    stands_for(-13, "WB_BACKEND_UNAVAILABLE")
  end

  # The model failed while it ran.
  class BackendFailed < Error
    stands_for(-14, "WB_BACKEND_FAILED")
  end

  # Memory could not be had. The process is intact.
  class OutOfMemory < Error
    stands_for(-15, "WB_OUT_OF_MEMORY")
  end

  # A defect of the library. Please report the message.
  class Internal < Error
    stands_for(-16, "WB_INTERNAL")
  end

  # A buffer was too small.
  class BufferTooSmall < Error
    stands_for(-17, "WB_BUFFER_TOO_SMALL")
  end

  # The golden vectors do not reproduce. Do not deploy this bundle on this machine.
  class VerifyFailed < Error
    stands_for(-18, "WB_VERIFY_FAILED")

    # @return [Hash{Symbol => Object}, nil] of Bundle.verify: what did not come out
    attr_reader :report

    # @param message [String, nil] as Error's
    # @param report [Hash, nil]
    # @param rest [Hash] as Error's
    def initialize(message = nil, report: nil, **rest)
      super(message, **rest)
      @report = report
    end
  end

  # The slot is empty, or has no model to roll back to.
  class NotLoaded < Error
    stands_for(-19, "WB_NOT_LOADED")
  end

  # A row was made for another schema than the one that is asked. Make a new row and fill it anew.
  class SchemaMismatch < Error
    stands_for(-20, "WB_SCHEMA_MISMATCH")
  end

  # The call would have had to wait for a context, and was told not to.
  class WouldWait < Error
    stands_for(-21, "WB_WOULD_WAIT")
  end

  # There is nothing of that name: a feature, a slot, an option. The message has the nearest names.
  class NotFound < Error
    stands_for(-22, "WB_NOT_FOUND")
  end

  # The native library is missing, of another version, or cannot be used from here.
  class LibraryError < Error; end

  class Error
    BY_CODE = Weighbridge.constants.map { |name| Weighbridge.const_get(name) }
                         .select { |it| it.is_a?(Class) && it < Error && it.code }.to_h { |it| [it.code, it] }.freeze
    private_constant :BY_CODE
  end
end
