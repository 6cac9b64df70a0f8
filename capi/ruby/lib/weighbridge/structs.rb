# frozen_string_literal: true
# SPDX-License-Identifier: Apache-2.0

module Weighbridge
  # The sized structs of the C ABI that are read seldom; results and errors are unpacked (result.rb, errors.rb).
  # @private
  module Structs
    # A struct whose first member is struct_size, as the caller knows it.
    class Sized < FFI::Struct
      # @yield [struct] a call that fills it
      # @return [Hash] its members, texts as frozen UTF-8, without struct_size and what is reserved
      def self.read
        struct = new
        struct[:struct_size] = size
        yield struct
        struct.to_h
      end

      # @return [Array<Hash>] the structs of an array of `count`
      def self.read_array(memory, count) = Array.new(count) { |i| new(memory + i * size).to_h }

      def to_h
        (members - %i[struct_size reserved]).to_h { |name| [name, plain(self[name])] }
      end

      private

      def plain(value)
        case value
        when FFI::StructLayout::CharArray then -value.to_s.force_encoding(Encoding::UTF_8)
        when FFI::Struct::InlineArray then value.to_a.freeze
        else value
        end
      end
    end

    class SchemaInfo < Sized
      layout :struct_size, :uint32, :feature_count, :uint32, :digest, :uint64, :fixed_bytes, :uint32,
             :missing_offset, :uint32, :tensor_count, :uint32, :output_count, :uint32, :max_length, :uint32,
             :max_rows, :uint32, :least_length, :uint32, :shorter_is_error, :uint32, :band_count, :uint32,
             :primary_output, :uint32, :primary_class, :uint32, :reserved, :uint32
    end

    class FeatureInfo < Sized
      layout :struct_size, :uint32, :type, :int32, :is_sequence, :int32, :required, :int32, :is_private, :int32,
             :offset, :uint32, :money_exponent, :int32, :ticks_per_second, :int64, :name, [:char, 64],
             :nan_is_missing, :int32, :has_range, :int32, :minimum, :double, :maximum, :double,
             :default_number, :double, :default_integer, :int64, :vocabulary_size, :int64, :unknown_keys, :int32,
             :max_tokens, :uint32, :currency, [:char, 8], :privacy, [:char, 32], :zone, [:char, 64]
    end

    class BandInfo < Sized
      layout :struct_size, :uint32, :reserved, :uint32, :below, :double, :name, [:char, 64]
    end

    class TensorInfo < Sized
      layout :struct_size, :uint32, :dtype, :int32, :rank, :int32, :reserved, :int32, :shape, [:int64, 8],
             :bytes, :uint64, :name, [:char, 64]
    end

    class ModelDescription < Sized
      layout :struct_size, :uint32, :backend, :int32, :precision, :int32, :numerics, :int32, :contexts, :uint32,
             :signers, :uint32, :weight_bytes, :int64, :context_bytes, :int64, :not_after_s, :int64,
             :name, [:char, 64], :version, [:char, 32], :bundle_sha256, [:char, 72], :plan_sha256, [:char, 72],
             :signed_by, [:char, 256]
    end

    class SlotInfo < Sized
      layout :struct_size, :uint32, :reserved, :uint32, :generation, :uint64, :since_ns, :int64, :bundle, :uint64,
             :previous_bundle, :uint64, :requests, :uint64, :rows, :uint64, :fallbacks, :uint64,
             :overloaded, :uint64, :expired, :uint64, :invalid, :uint64, :failed, :uint64,
             :latency_p50_ns, :int64, :latency_p90_ns, :int64, :latency_p99_ns, :int64, :latency_p999_ns, :int64,
             :latency_max_ns, :int64, :name, [:char, 64], :version, [:char, 32], :previous_version, [:char, 32]
    end

    class Snapshot < Sized
      layout :struct_size, :uint32, :contexts, :uint32, :waiting, :uint32, :models, :uint32, :requests, :uint64,
             :rows, :uint64, :fallbacks, :uint64, :overloaded, :uint64, :expired, :uint64, :invalid, :uint64,
             :failed, :uint64, :swaps, :uint64, :latency_p50_ns, :int64, :latency_p90_ns, :int64,
             :latency_p99_ns, :int64, :latency_p999_ns, :int64, :latency_max_ns, :int64, :handles, [:uint32, 32]
    end

    class Event < Sized
      layout :struct_size, :uint32, :event, :int32, :level, :int32, :reserved, :uint32, :time_ns, :int64,
             :count, :uint64, :slot, [:char, 64], :version, [:char, 32], :message, [:char, 384]
    end

    class BatchResult < Sized
      layout :struct_size, :uint32, :status, :int32, :rows, :int64, :scored, :int64, :fallbacks, :int64,
             :invalid, :int64, :failed, :int64, :first_error, :int64, :reason, :int32, :backend, :int32,
             :precision, :int32, :numerics, :int32, :device, :int32, :reserved, :uint32, :bundle, :uint64,
             :fallback_bundle, :uint64, :queue_ns, :int64, :run_ns, :int64, :version, [:char, 32]
    end

    class BatchEncoding < Sized
      layout :struct_size, :uint32, :status, :int32, :rows, :int64, :encoded, :int64, :invalid, :int64,
             :first_error, :int64, :length, :int64, :tokens, :int64
    end
  end
  private_constant :Structs
end
