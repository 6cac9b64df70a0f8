# frozen_string_literal: true
# SPDX-License-Identifier: Apache-2.0

module Weighbridge
  # One of the tensors that a model gets: what payments become by the bundle's encoding. Frozen.
  class Tensor
    # Type, bytes of an element, and how it is unpacked, by WB_DTYPE_*.
    TYPES = { 1 => [:float32, 4, "f*"], 2 => [:float64, 8, "d*"], 3 => [:int64, 8, "q*"], 4 => [:int32, 4, "l*"],
              5 => [:bool, 1, "C*"] }.freeze
    private_constant :TYPES

    # @return [Symbol]
    attr_reader :name
    # @return [Symbol] :float32, :float64, :int64, :int32 or :bool
    attr_reader :dtype
    # @return [Array<Integer>] payments first
    attr_reader :shape
    # @return [String] the elements in the machine's order of bytes, row by row: for Numo's from_binary and the like
    attr_reader :bytes
    # @return [String, nil] of a tensor of sequences or texts a byte for each payment and element: 1 where the payment
    #   has it, 0 where it is padding
    attr_reader :mask

    # @private
    # @param info [Hash] a wb_tensor_info
    # @param sizes [Hash{Integer => Integer}] of symbolic sizes
    def initialize(info, sizes)
      @name = info[:name].to_sym
      @dtype, @width, @directive = TYPES.fetch(info[:dtype])
      symbolic = info[:shape].first(info[:rank])
      @shape = symbolic.map { |size| sizes.fetch(size, size) }.freeze
      @memory = FFI::MemoryPointer.new(1, [@shape.inject(@width, :*), 1].max)
      return unless symbolic.drop(1).any?(&:negative?)

      @mask_memory = FFI::MemoryPointer.new(1, [@shape.first(2).inject(:*), 1].max)
    end

    # @return [Array<Integer, Float>] the elements, row by row; 1 and 0 of a bool
    def to_a = @bytes.unpack(@directive)

    # @return [String]
    def inspect = "#<#{self.class.name} #{name}: #{dtype} #{shape}>"

    # Where the library writes it: memory and size of elements and of mask.
    # @private
    def place = [@memory, @memory.size, @mask_memory, @mask_memory ? @mask_memory.size : 0]

    # Takes what was written.
    # @private
    def finish
      @bytes = @memory.get_bytes(0, @shape.inject(@width, :*)).freeze
      @mask = @mask_memory&.get_bytes(0, @shape.first(2).inject(:*))&.freeze
      @memory = @mask_memory = nil
      freeze
    end
  end

  # Encodes payments, as scoring does.
  # @private
  class Encoder < Handle
    include StridedRows

    BATCH, LENGTH, TOKENS = -1, -2, -3
    private_constant :BATCH, :LENGTH, :TOKENS

    def initialize(schema)
      @schema = schema
      super(Native.method(:wb_batch_free)) { |out, error| Native.wb_batch_create(out, schema, error) }
    end

    # @param rows [Array] of each payment its values, or the Error that it has instead
    # @param infos [Array<Hash>] wb_tensor_info
    # @return [Array<Tensor>]
    # @raise [Error] the first payment's that scoring would refuse
    def encode(rows, infos)
      place_rows(rows).each { |row, error| raise at(row, error) }
      need = run(0, 0)
      sizes = { BATCH => rows.size, LENGTH => need[:length], TOKENS => need[:tokens] }
      tensors = infos.map { |info| Tensor.new(info, sizes) }
      tensors.each_with_index do |tensor, index|
        Handle.check { |error| Native.wb_batch_set_tensor(to_ptr, index, *tensor.place, error) }
      end
      run(need[:length], need[:tokens])
      tensors.each(&:finish).freeze
    ensure
      free
    end

    private

    def at(row, error) = error.class.new(error.message, code: error.code, feature: error.feature, row: row)

    def run(length, tokens)
      info = Structs::BatchEncoding.read do |out|
        Handle.check(@schema) { |error| Native.wb_batch_encode(out, to_ptr, length, tokens, error) }
      end
      refuse(info[:first_error]) unless info[:invalid].zero?
      info
    end

    def refuse(row)
      Handle.check(@schema) { |error| Native.wb_batch_check(to_ptr, row, error) }
      raise InvalidInput.new("a sequence is shorter than the model takes", row: row)
    rescue InvalidInput => e
      raise at(row, e)
    end
  end
  private_constant :Encoder
end
