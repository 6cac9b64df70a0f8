# frozen_string_literal: true
# SPDX-License-Identifier: Apache-2.0

require "ffi"

module Weighbridge
  # The C functions, as singleton methods of this module once load has found the library. Those that may wait, read files
  # or run a model release the GVL.
  # @private
  module Native
    DEFAULT_DEADLINE = -(2**63)
    NO_DEADLINE = 2**63 - 1
    ERROR_BYTES = 280
    RESULT_BYTES = 112
    COMPLETION_BYTES = 408
    WOULD_WAIT = -21
    BUFFER_TOO_SMALL = -17

    # name => [parameters, result]; b: may block
    FUNCTIONS = {
      wb_version: "", wb_abi_minor: "", wb_status_name: "i", wb_reason_name: "i", wb_backend_name: "i",
      wb_precision_name: "i", wb_event_name: "i", wb_type_name: "i",
      wb_text_data: "p", wb_text_size: "p", wb_text_free: "p", wb_system_info: "pp",
      wb_engine_options_create: "pp", wb_engine_options_free: "p", wb_engine_options_set: "pssp",
      wb_engine_create: "ppp", wb_engine_close: "plp", wb_engine_free: "p", wb_engine_maintain: "pp",
      wb_engine_events: "pzzpppp", wb_engine_snapshot: "ppp", wb_engine_metrics: "ppp", wb_engine_slots: "pzzppp",
      wb_engine_work: "pplp",
      wb_bundle_inspect: "psp", wb_bundle_inspect_source: "ppp", wb_bundle_verify: "ppspp",
      wb_bundle_verify_source: "ppppp",
      wb_load_options_create: "pp", wb_load_options_free: "p", wb_load_options_set: "pssp",
      wb_load_options_set_cancel: "ppp", wb_load_options_set_deadline: "plp",
      wb_source_create: "pp", wb_source_add_file: "pspzp", wb_source_free: "p",
      wb_model_load: "ppspp", wb_model_load_source: "ppppp", wb_model_free: "p", wb_model_schema: "ppp",
      wb_model_describe: "ppp", wb_model_info: "ppp", wb_model_score: "ppplpp", wb_model_score_batch: "ppplpp",
      wb_model_submit: "pupplpp",
      wb_slot_open: "ppsip", wb_slot_free: "p", wb_slot_describe: "ppp", wb_slot_load: "pspp",
      wb_slot_load_source: "pppp", wb_slot_swap: "ppp", wb_slot_rollback: "pp", wb_slot_forget_previous: "pp",
      wb_slot_model: "ppp", wb_slot_score: "ppplpp", wb_slot_score_batch: "ppplpp", wb_slot_submit: "pupplpp",
      wb_schema_load: "psp", wb_schema_load_source: "ppp", wb_schema_free: "p", wb_schema_describe: "ppp",
      wb_schema_feature: "ppnp", wb_schema_find: "ppsp", wb_schema_output: "ppnp", wb_schema_tensor: "ppnp",
      wb_schema_band: "ppnp", wb_schema_default_text: "ppnp",
      wb_row_init: "ppzp", wb_row_set_json: "pppzp", wb_row_get_json: "pppp",
      wb_batch_create: "ppp", wb_batch_free: "p", wb_batch_reset: "plp", wb_batch_set_rows: "pplp",
      wb_batch_set_result: "piplp", wb_batch_set_output: "pnplp", wb_batch_check: "plp",
      wb_batch_encode: "ppllp", wb_batch_set_tensor: "pnpzpzp",
      wb_call_create: "pp", wb_call_free: "p", wb_call_set_priority: "pip", wb_call_set_cancel: "ppp",
      wb_call_set_fallback: "pip", wb_call_set_wait: "pip", wb_call_set_output: "pnpzp",
      wb_cancel_create: "pp", wb_cancel_set: "pip", wb_cancel_free: "p",
      wb_queue_create: "ppnp", wb_queue_free: "p", wb_queue_fd: "ppp", wb_queue_next: "pzzpplp",
      wb_queue_cancel: "pup"
    }.freeze
    TYPES = { "p" => :pointer, "i" => :int32, "n" => :uint32, "l" => :int64, "u" => :uint64, "z" => :size_t,
              "s" => :string }.freeze
    BLOCKING = /_(score|score_batch|load|load_source|close|swap|rollback|forget_previous|maintain|work|encode|
                  inspect|inspect_source|verify|verify_source)\z/x
    FFI_VERSION = FFI::VERSION.dup.freeze
    # Before 1.16 ffi keeps what it calls in objects that other Ractors may not see.
    RACTORS = Gem::Version.new(FFI::VERSION) >= Gem::Version.new("1.16")
    LOADING = Mutex.new
    private_constant :TYPES, :BLOCKING, :FFI_VERSION, :RACTORS, :LOADING

    class << self
      # @return [Library::Found, nil] what was loaded
      attr_reader :loaded

      # Finds and binds the library, once in a process.
      def load(path = nil)
        refuse_ractor
        LOADING.synchronize { @loaded ||= find_and_bind(path) } unless @loaded
        return @loaded if path.nil? || path.to_s == @loaded.path

        raise LibraryError, "#{@loaded.path} is loaded already: expected it, got #{path}"
      end

      private

      def find_and_bind(path)
        found = Library.find(path, FUNCTIONS.keys)
        FUNCTIONS.each { |name, types| bind(name, types, found.symbols[name]) }
        found
      end

      def refuse_ractor
        return if RACTORS || Ractor.current.equal?(Ractor.main)

        raise LibraryError, "Weighbridge in a Ractor other than the main one: expected ffi 1.16 or later, " \
                            "got ffi #{FFI_VERSION}; use threads, which score at once"
      end

      def bind(name, types, address)
        result = case name
                 when /_(name|version|data)\z/ then name == :wb_text_data ? :pointer : :string
                 when /_free\z/ then :void
                 when :wb_text_size then :size_t
                 else :int32
                 end
        FFI::Function.new(FFI.find_type(result), types.chars.map { |it| FFI.find_type(TYPES.fetch(it)) }, address,
                          blocking: name.match?(BLOCKING)).attach(self, name.to_s)
      end
    end
  end
  private_constant :Native
end
