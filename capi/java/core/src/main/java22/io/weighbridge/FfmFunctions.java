// SPDX-License-Identifier: Apache-2.0
// Written by capi/java/jni/generate.py from include/weighbridge/c; do not edit.
package io.weighbridge;

import java.lang.invoke.MethodHandle;

/** Calls through java.lang.foreign. */
abstract class FfmFunctions implements Functions {
    private static final MethodHandle ABI_MINOR = FfmLibrary.bind("wb_abi_minor", "I");
    private static final MethodHandle ABI_VERSION = FfmLibrary.bind("wb_abi_version", "I");
    private static final MethodHandle BACKEND_NAME = FfmLibrary.bind("wb_backend_name", "JI");
    private static final MethodHandle BATCH_CHECK = FfmLibrary.bind("wb_batch_check", "IJJJ");
    private static final MethodHandle BATCH_COPY = FfmLibrary.bind("wb_batch_copy", "IJJJ");
    private static final MethodHandle BATCH_CREATE = FfmLibrary.bind("wb_batch_create", "IJJJ");
    private static final MethodHandle BATCH_FREE = FfmLibrary.bind("wb_batch_free", "VJ");
    private static final MethodHandle BATCH_RESET = FfmLibrary.bind("wb_batch_reset", "IJJJ");
    private static final MethodHandle BATCH_SET_ARROW_ROWS = FfmLibrary.bind("wb_batch_set_arrow_rows", "IJJJJ");
    private static final MethodHandle BATCH_SET_COLUMN_AS = FfmLibrary.bind("wb_batch_set_column_as", "IJIIJJJJJ");
    private static final MethodHandle BATCH_SET_OUTPUT = FfmLibrary.bind("wb_batch_set_output", "IJIJJJ");
    private static final MethodHandle BATCH_SET_RESULT = FfmLibrary.bind("wb_batch_set_result", "IJIJJJ");
    private static final MethodHandle BATCH_SET_ROWS = FfmLibrary.bind("wb_batch_set_rows", "IJJJJ");
    private static final MethodHandle BATCH_SET_WINDOW = FfmLibrary.bind("wb_batch_set_window", "IJJJJ");
    private static final MethodHandle BUNDLE_COMPILE = FfmLibrary.bind("wb_bundle_compile", "IJJJJIJJ");
    private static final MethodHandle BUNDLE_INSPECT = FfmLibrary.bind("wb_bundle_inspect", "IJJJ");
    private static final MethodHandle BUNDLE_INSPECT_SOURCE = FfmLibrary.bind("wb_bundle_inspect_source", "IJJJ");
    private static final MethodHandle BUNDLE_PACK = FfmLibrary.bind("wb_bundle_pack", "IJJJJJJ");
    private static final MethodHandle BUNDLE_VERIFY = FfmLibrary.bind("wb_bundle_verify", "IJJJJJ");
    private static final MethodHandle BUNDLE_VERIFY_SOURCE = FfmLibrary.bind("wb_bundle_verify_source", "IJJJJJ");
    private static final MethodHandle CALL_CREATE = FfmLibrary.bind("wb_call_create", "IJJ");
    private static final MethodHandle CALL_FREE = FfmLibrary.bind("wb_call_free", "VJ");
    private static final MethodHandle CALL_SET_CANCEL = FfmLibrary.bind("wb_call_set_cancel", "IJJJ");
    private static final MethodHandle CALL_SET_FALLBACK = FfmLibrary.bind("wb_call_set_fallback", "IJIJ");
    private static final MethodHandle CALL_SET_OUTPUT = FfmLibrary.bind("wb_call_set_output", "IJIJJJ");
    private static final MethodHandle CALL_SET_PRIORITY = FfmLibrary.bind("wb_call_set_priority", "IJIJ");
    private static final MethodHandle CALL_SET_WAIT = FfmLibrary.bind("wb_call_set_wait", "IJIJ");
    private static final MethodHandle CANCEL_CREATE = FfmLibrary.bind("wb_cancel_create", "IJJ");
    private static final MethodHandle CANCEL_FREE = FfmLibrary.bind("wb_cancel_free", "VJ");
    private static final MethodHandle CANCEL_SET = FfmLibrary.bind("wb_cancel_set", "IJIJ");
    private static final MethodHandle ENGINE_CLOSE = FfmLibrary.bind("wb_engine_close", "IJJJ");
    private static final MethodHandle ENGINE_CREATE = FfmLibrary.bind("wb_engine_create", "IJJJ");
    private static final MethodHandle ENGINE_DEFAULT_DEADLINE_US = FfmLibrary.bind("wb_engine_default_deadline_us",
            "IJJJ");
    private static final MethodHandle ENGINE_EVENTS = FfmLibrary.bind("wb_engine_events", "IJJJJJJJ");
    private static final MethodHandle ENGINE_FREE = FfmLibrary.bind("wb_engine_free", "VJ");
    private static final MethodHandle ENGINE_MAINTAIN = FfmLibrary.bind("wb_engine_maintain", "IJJ");
    private static final MethodHandle ENGINE_METRICS = FfmLibrary.bind("wb_engine_metrics", "IJJJ");
    private static final MethodHandle ENGINE_OPTIONS_CREATE = FfmLibrary.bind("wb_engine_options_create", "IJJ");
    private static final MethodHandle ENGINE_OPTIONS_DESCRIBE = FfmLibrary.bind("wb_engine_options_describe", "IJIJ");
    private static final MethodHandle ENGINE_OPTIONS_FREE = FfmLibrary.bind("wb_engine_options_free", "VJ");
    private static final MethodHandle ENGINE_OPTIONS_SET = FfmLibrary.bind("wb_engine_options_set", "IJJJJ");
    private static final MethodHandle ENGINE_SLOTS = FfmLibrary.bind("wb_engine_slots", "IJJJJJJ");
    private static final MethodHandle ENGINE_SNAPSHOT = FfmLibrary.bind("wb_engine_snapshot", "IJJJ");
    private static final MethodHandle ENGINE_WORK = FfmLibrary.bind("wb_engine_work", "IJJJJ");
    private static final MethodHandle EVENT_NAME = FfmLibrary.bind("wb_event_name", "JI");
    private static final MethodHandle LOAD_OPTIONS_CREATE = FfmLibrary.bind("wb_load_options_create", "IJJ");
    private static final MethodHandle LOAD_OPTIONS_DESCRIBE = FfmLibrary.bind("wb_load_options_describe", "IJIJ");
    private static final MethodHandle LOAD_OPTIONS_FREE = FfmLibrary.bind("wb_load_options_free", "VJ");
    private static final MethodHandle LOAD_OPTIONS_SET = FfmLibrary.bind("wb_load_options_set", "IJJJJ");
    private static final MethodHandle LOAD_OPTIONS_SET_CANCEL = FfmLibrary.bind("wb_load_options_set_cancel", "IJJJ");
    private static final MethodHandle LOAD_OPTIONS_SET_DEADLINE = FfmLibrary.bind("wb_load_options_set_deadline",
            "IJJJ");
    private static final MethodHandle MODEL_DESCRIBE = FfmLibrary.bind("wb_model_describe", "IJJJ");
    private static final MethodHandle MODEL_FREE = FfmLibrary.bind("wb_model_free", "VJ");
    private static final MethodHandle MODEL_INFO = FfmLibrary.bind("wb_model_info", "IJJJ");
    private static final MethodHandle MODEL_LOAD = FfmLibrary.bind("wb_model_load", "IJJJJJ");
    private static final MethodHandle MODEL_LOAD_SOURCE = FfmLibrary.bind("wb_model_load_source", "IJJJJJ");
    private static final MethodHandle MODEL_SCHEMA = FfmLibrary.bind("wb_model_schema", "IJJJ");
    private static final MethodHandle MODEL_SCORE = FfmLibrary.bind("wb_model_score", "IJJJJJJ");
    private static final MethodHandle MODEL_SCORE_BATCH = FfmLibrary.bind("wb_model_score_batch", "IJJJJJJ");
    private static final MethodHandle MODEL_SUBMIT = FfmLibrary.bind("wb_model_submit", "IJJJJJJJ");
    private static final MethodHandle MODEL_SUBMIT_BATCH = FfmLibrary.bind("wb_model_submit_batch", "IJJJJJJJJ");
    private static final MethodHandle NOW_NS = FfmLibrary.bind("wb_now_ns", "J");
    private static final MethodHandle PRECISION_NAME = FfmLibrary.bind("wb_precision_name", "JI");
    private static final MethodHandle QUEUE_CANCEL = FfmLibrary.bind("wb_queue_cancel", "IJJJ");
    private static final MethodHandle QUEUE_CLOSE = FfmLibrary.bind("wb_queue_close", "IJJJ");
    private static final MethodHandle QUEUE_CREATE = FfmLibrary.bind("wb_queue_create", "IJJIJ");
    private static final MethodHandle QUEUE_FREE = FfmLibrary.bind("wb_queue_free", "VJ");
    private static final MethodHandle QUEUE_NEXT = FfmLibrary.bind("wb_queue_next", "IJJJJJJJ");
    private static final MethodHandle REASON_NAME = FfmLibrary.bind("wb_reason_name", "JI");
    private static final MethodHandle ROW_GET_JSON = FfmLibrary.bind("wb_row_get_json", "IJJJJ");
    private static final MethodHandle ROW_INIT = FfmLibrary.bind("wb_row_init", "IJJJJ");
    private static final MethodHandle ROW_SET_JSON = FfmLibrary.bind("wb_row_set_json", "IJJJJJ");
    private static final MethodHandle SCHEMA_BAND = FfmLibrary.bind("wb_schema_band", "IJJIJ");
    private static final MethodHandle SCHEMA_DEFAULT_TEXT = FfmLibrary.bind("wb_schema_default_text", "IJJIJ");
    private static final MethodHandle SCHEMA_DESCRIBE = FfmLibrary.bind("wb_schema_describe", "IJJJ");
    private static final MethodHandle SCHEMA_ENCODE = FfmLibrary.bind("wb_schema_encode", "IJJJIJJJ");
    private static final MethodHandle SCHEMA_FEATURE = FfmLibrary.bind("wb_schema_feature", "IJJIJ");
    private static final MethodHandle SCHEMA_FIND = FfmLibrary.bind("wb_schema_find", "IJJJJ");
    private static final MethodHandle SCHEMA_FIND_OUTPUT = FfmLibrary.bind("wb_schema_find_output", "IJJJJ");
    private static final MethodHandle SCHEMA_FREE = FfmLibrary.bind("wb_schema_free", "VJ");
    private static final MethodHandle SCHEMA_LOAD = FfmLibrary.bind("wb_schema_load", "IJJJ");
    private static final MethodHandle SCHEMA_LOAD_SOURCE = FfmLibrary.bind("wb_schema_load_source", "IJJJ");
    private static final MethodHandle SCHEMA_OUTPUT = FfmLibrary.bind("wb_schema_output", "IJJIJ");
    private static final MethodHandle SCHEMA_TENSOR = FfmLibrary.bind("wb_schema_tensor", "IJJIJ");
    private static final MethodHandle SLOT_DESCRIBE = FfmLibrary.bind("wb_slot_describe", "IJJJ");
    private static final MethodHandle SLOT_FORGET_PREVIOUS = FfmLibrary.bind("wb_slot_forget_previous", "IJJ");
    private static final MethodHandle SLOT_FREE = FfmLibrary.bind("wb_slot_free", "VJ");
    private static final MethodHandle SLOT_LOAD = FfmLibrary.bind("wb_slot_load", "IJJJJ");
    private static final MethodHandle SLOT_LOAD_SOURCE = FfmLibrary.bind("wb_slot_load_source", "IJJJJ");
    private static final MethodHandle SLOT_MODEL = FfmLibrary.bind("wb_slot_model", "IJJJ");
    private static final MethodHandle SLOT_OPEN = FfmLibrary.bind("wb_slot_open", "IJJJIJ");
    private static final MethodHandle SLOT_ROLLBACK = FfmLibrary.bind("wb_slot_rollback", "IJJ");
    private static final MethodHandle SLOT_SCORE = FfmLibrary.bind("wb_slot_score", "IJJJJJJ");
    private static final MethodHandle SLOT_SCORE_BATCH = FfmLibrary.bind("wb_slot_score_batch", "IJJJJJJ");
    private static final MethodHandle SLOT_SUBMIT = FfmLibrary.bind("wb_slot_submit", "IJJJJJJJ");
    private static final MethodHandle SLOT_SUBMIT_BATCH = FfmLibrary.bind("wb_slot_submit_batch", "IJJJJJJJJ");
    private static final MethodHandle SLOT_SWAP = FfmLibrary.bind("wb_slot_swap", "IJJJ");
    private static final MethodHandle SOURCE_ADD_FILE = FfmLibrary.bind("wb_source_add_file", "IJJJJJ");
    private static final MethodHandle SOURCE_CREATE = FfmLibrary.bind("wb_source_create", "IJJ");
    private static final MethodHandle SOURCE_FREE = FfmLibrary.bind("wb_source_free", "VJ");
    private static final MethodHandle STATUS_NAME = FfmLibrary.bind("wb_status_name", "JI");
    private static final MethodHandle SYSTEM_INFO = FfmLibrary.bind("wb_system_info", "IJJ");
    private static final MethodHandle TEXT_DATA = FfmLibrary.bind("wb_text_data", "JJ");
    private static final MethodHandle TEXT_FREE = FfmLibrary.bind("wb_text_free", "VJ");
    private static final MethodHandle TEXT_SIZE = FfmLibrary.bind("wb_text_size", "JJ");
    private static final MethodHandle TYPE_NAME = FfmLibrary.bind("wb_type_name", "JI");
    private static final MethodHandle VERSION = FfmLibrary.bind("wb_version", "J");

    @Override
    public int abiMinor() {
        try {
            return (int) ABI_MINOR.invokeExact();
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public int abiVersion() {
        try {
            return (int) ABI_VERSION.invokeExact();
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public long backendName(int backend) {
        try {
            return (long) BACKEND_NAME.invokeExact(backend);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public int batchCheck(long batch, long row, long err) {
        try {
            return (int) BATCH_CHECK.invokeExact(batch, row, err);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public int batchCopy(long out, long batch, long err) {
        try {
            return (int) BATCH_COPY.invokeExact(out, batch, err);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public int batchCreate(long out, long schema, long err) {
        try {
            return (int) BATCH_CREATE.invokeExact(out, schema, err);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public void batchFree(long batch) {
        try {
            BATCH_FREE.invokeExact(batch);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public int batchReset(long batch, long rows, long err) {
        try {
            return (int) BATCH_RESET.invokeExact(batch, rows, err);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public int batchSetArrowRows(long batch, long type, long array, long err) {
        try {
            return (int) BATCH_SET_ARROW_ROWS.invokeExact(batch, type, array, err);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public int batchSetColumnAs(long batch, int feature, int elementType, long data, long stride, long validity,
            long validityOffset, long err) {
        try {
            return (int) BATCH_SET_COLUMN_AS.invokeExact(batch, feature, elementType, data, stride, validity,
                    validityOffset, err);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public int batchSetOutput(long batch, int index, long data, long stride, long err) {
        try {
            return (int) BATCH_SET_OUTPUT.invokeExact(batch, index, data, stride, err);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public int batchSetResult(long batch, int column, long data, long stride, long err) {
        try {
            return (int) BATCH_SET_RESULT.invokeExact(batch, column, data, stride, err);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public int batchSetRows(long batch, long rows, long stride, long err) {
        try {
            return (int) BATCH_SET_ROWS.invokeExact(batch, rows, stride, err);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public int batchSetWindow(long batch, long first, long rows, long err) {
        try {
            return (int) BATCH_SET_WINDOW.invokeExact(batch, first, rows, err);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public int bundleCompile(long out, long engine, long path, long precisions, int dumpPasses, long options,
            long err) {
        try {
            return (int) BUNDLE_COMPILE.invokeExact(out, engine, path, precisions, dumpPasses, options, err);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public int bundleInspect(long out, long path, long err) {
        try {
            return (int) BUNDLE_INSPECT.invokeExact(out, path, err);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public int bundleInspectSource(long out, long source, long err) {
        try {
            return (int) BUNDLE_INSPECT_SOURCE.invokeExact(out, source, err);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public int bundlePack(long engine, long module, long manifest, long golden, long outDir, long err) {
        try {
            return (int) BUNDLE_PACK.invokeExact(engine, module, manifest, golden, outDir, err);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public int bundleVerify(long out, long engine, long path, long options, long err) {
        try {
            return (int) BUNDLE_VERIFY.invokeExact(out, engine, path, options, err);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public int bundleVerifySource(long out, long engine, long source, long options, long err) {
        try {
            return (int) BUNDLE_VERIFY_SOURCE.invokeExact(out, engine, source, options, err);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public int callCreate(long out, long err) {
        try {
            return (int) CALL_CREATE.invokeExact(out, err);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public void callFree(long call) {
        try {
            CALL_FREE.invokeExact(call);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public int callSetCancel(long call, long cancel, long err) {
        try {
            return (int) CALL_SET_CANCEL.invokeExact(call, cancel, err);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public int callSetFallback(long call, int accept, long err) {
        try {
            return (int) CALL_SET_FALLBACK.invokeExact(call, accept, err);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public int callSetOutput(long call, int index, long buffer, long capacity, long err) {
        try {
            return (int) CALL_SET_OUTPUT.invokeExact(call, index, buffer, capacity, err);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public int callSetPriority(long call, int priority, long err) {
        try {
            return (int) CALL_SET_PRIORITY.invokeExact(call, priority, err);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public int callSetWait(long call, int wait, long err) {
        try {
            return (int) CALL_SET_WAIT.invokeExact(call, wait, err);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public int cancelCreate(long out, long err) {
        try {
            return (int) CANCEL_CREATE.invokeExact(out, err);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public void cancelFree(long cancel) {
        try {
            CANCEL_FREE.invokeExact(cancel);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public int cancelSet(long cancel, int set, long err) {
        try {
            return (int) CANCEL_SET.invokeExact(cancel, set, err);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public int engineClose(long engine, long deadlineNs, long err) {
        try {
            return (int) ENGINE_CLOSE.invokeExact(engine, deadlineNs, err);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public int engineCreate(long out, long options, long err) {
        try {
            return (int) ENGINE_CREATE.invokeExact(out, options, err);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public int engineDefaultDeadlineUs(long out, long engine, long err) {
        try {
            return (int) ENGINE_DEFAULT_DEADLINE_US.invokeExact(out, engine, err);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public int engineEvents(long out, long stride, long capacity, long count, long dropped, long engine, long err) {
        try {
            return (int) ENGINE_EVENTS.invokeExact(out, stride, capacity, count, dropped, engine, err);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public void engineFree(long engine) {
        try {
            ENGINE_FREE.invokeExact(engine);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public int engineMaintain(long engine, long err) {
        try {
            return (int) ENGINE_MAINTAIN.invokeExact(engine, err);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public int engineMetrics(long out, long engine, long err) {
        try {
            return (int) ENGINE_METRICS.invokeExact(out, engine, err);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public int engineOptionsCreate(long out, long err) {
        try {
            return (int) ENGINE_OPTIONS_CREATE.invokeExact(out, err);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public int engineOptionsDescribe(long out, int index, long err) {
        try {
            return (int) ENGINE_OPTIONS_DESCRIBE.invokeExact(out, index, err);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public void engineOptionsFree(long options) {
        try {
            ENGINE_OPTIONS_FREE.invokeExact(options);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public int engineOptionsSet(long options, long name, long text, long err) {
        try {
            return (int) ENGINE_OPTIONS_SET.invokeExact(options, name, text, err);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public int engineSlots(long out, long stride, long capacity, long count, long engine, long err) {
        try {
            return (int) ENGINE_SLOTS.invokeExact(out, stride, capacity, count, engine, err);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public int engineSnapshot(long out, long engine, long err) {
        try {
            return (int) ENGINE_SNAPSHOT.invokeExact(out, engine, err);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public int engineWork(long out, long engine, long deadlineNs, long err) {
        try {
            return (int) ENGINE_WORK.invokeExact(out, engine, deadlineNs, err);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public long eventName(int event) {
        try {
            return (long) EVENT_NAME.invokeExact(event);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public int loadOptionsCreate(long out, long err) {
        try {
            return (int) LOAD_OPTIONS_CREATE.invokeExact(out, err);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public int loadOptionsDescribe(long out, int index, long err) {
        try {
            return (int) LOAD_OPTIONS_DESCRIBE.invokeExact(out, index, err);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public void loadOptionsFree(long options) {
        try {
            LOAD_OPTIONS_FREE.invokeExact(options);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public int loadOptionsSet(long options, long name, long text, long err) {
        try {
            return (int) LOAD_OPTIONS_SET.invokeExact(options, name, text, err);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public int loadOptionsSetCancel(long options, long cancel, long err) {
        try {
            return (int) LOAD_OPTIONS_SET_CANCEL.invokeExact(options, cancel, err);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public int loadOptionsSetDeadline(long options, long deadlineNs, long err) {
        try {
            return (int) LOAD_OPTIONS_SET_DEADLINE.invokeExact(options, deadlineNs, err);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public int modelDescribe(long out, long model, long err) {
        try {
            return (int) MODEL_DESCRIBE.invokeExact(out, model, err);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public void modelFree(long model) {
        try {
            MODEL_FREE.invokeExact(model);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public int modelInfo(long out, long model, long err) {
        try {
            return (int) MODEL_INFO.invokeExact(out, model, err);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public int modelLoad(long out, long engine, long path, long options, long err) {
        try {
            return (int) MODEL_LOAD.invokeExact(out, engine, path, options, err);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public int modelLoadSource(long out, long engine, long source, long options, long err) {
        try {
            return (int) MODEL_LOAD_SOURCE.invokeExact(out, engine, source, options, err);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public int modelSchema(long out, long model, long err) {
        try {
            return (int) MODEL_SCHEMA.invokeExact(out, model, err);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public int modelScore(long out, long model, long row, long deadlineNs, long call, long err) {
        try {
            return (int) MODEL_SCORE.invokeExact(out, model, row, deadlineNs, call, err);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public int modelScoreBatch(long out, long model, long batch, long deadlineNs, long call, long err) {
        try {
            return (int) MODEL_SCORE_BATCH.invokeExact(out, model, batch, deadlineNs, call, err);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public int modelSubmit(long queue, long tag, long model, long row, long deadlineNs, long call, long err) {
        try {
            return (int) MODEL_SUBMIT.invokeExact(queue, tag, model, row, deadlineNs, call, err);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public int modelSubmitBatch(long out, long queue, long tag, long model, long batch, long deadlineNs, long call,
            long err) {
        try {
            return (int) MODEL_SUBMIT_BATCH.invokeExact(out, queue, tag, model, batch, deadlineNs, call, err);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public long nowNs() {
        try {
            return (long) NOW_NS.invokeExact();
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public long precisionName(int precision) {
        try {
            return (long) PRECISION_NAME.invokeExact(precision);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public int queueCancel(long queue, long tag, long err) {
        try {
            return (int) QUEUE_CANCEL.invokeExact(queue, tag, err);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public int queueClose(long queue, long deadlineNs, long err) {
        try {
            return (int) QUEUE_CLOSE.invokeExact(queue, deadlineNs, err);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public int queueCreate(long out, long engine, int capacity, long err) {
        try {
            return (int) QUEUE_CREATE.invokeExact(out, engine, capacity, err);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public void queueFree(long queue) {
        try {
            QUEUE_FREE.invokeExact(queue);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public int queueNext(long out, long stride, long capacity, long count, long queue, long deadlineNs, long err) {
        try {
            return (int) QUEUE_NEXT.invokeExact(out, stride, capacity, count, queue, deadlineNs, err);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public long reasonName(int reason) {
        try {
            return (long) REASON_NAME.invokeExact(reason);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public int rowGetJson(long out, long schema, long row, long err) {
        try {
            return (int) ROW_GET_JSON.invokeExact(out, schema, row, err);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public int rowInit(long schema, long row, long capacity, long err) {
        try {
            return (int) ROW_INIT.invokeExact(schema, row, capacity, err);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public int rowSetJson(long schema, long row, long json, long size, long err) {
        try {
            return (int) ROW_SET_JSON.invokeExact(schema, row, json, size, err);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public int schemaBand(long out, long schema, int index, long err) {
        try {
            return (int) SCHEMA_BAND.invokeExact(out, schema, index, err);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public int schemaDefaultText(long out, long schema, int index, long err) {
        try {
            return (int) SCHEMA_DEFAULT_TEXT.invokeExact(out, schema, index, err);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public int schemaDescribe(long out, long schema, long err) {
        try {
            return (int) SCHEMA_DESCRIBE.invokeExact(out, schema, err);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public int schemaEncode(long out, long schema, long row, int index, long buffer, long capacity, long err) {
        try {
            return (int) SCHEMA_ENCODE.invokeExact(out, schema, row, index, buffer, capacity, err);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public int schemaFeature(long out, long schema, int index, long err) {
        try {
            return (int) SCHEMA_FEATURE.invokeExact(out, schema, index, err);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public int schemaFind(long out, long schema, long name, long err) {
        try {
            return (int) SCHEMA_FIND.invokeExact(out, schema, name, err);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public int schemaFindOutput(long out, long schema, long name, long err) {
        try {
            return (int) SCHEMA_FIND_OUTPUT.invokeExact(out, schema, name, err);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public void schemaFree(long schema) {
        try {
            SCHEMA_FREE.invokeExact(schema);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public int schemaLoad(long out, long path, long err) {
        try {
            return (int) SCHEMA_LOAD.invokeExact(out, path, err);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public int schemaLoadSource(long out, long source, long err) {
        try {
            return (int) SCHEMA_LOAD_SOURCE.invokeExact(out, source, err);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public int schemaOutput(long out, long schema, int index, long err) {
        try {
            return (int) SCHEMA_OUTPUT.invokeExact(out, schema, index, err);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public int schemaTensor(long out, long schema, int index, long err) {
        try {
            return (int) SCHEMA_TENSOR.invokeExact(out, schema, index, err);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public int slotDescribe(long out, long slot, long err) {
        try {
            return (int) SLOT_DESCRIBE.invokeExact(out, slot, err);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public int slotForgetPrevious(long slot, long err) {
        try {
            return (int) SLOT_FORGET_PREVIOUS.invokeExact(slot, err);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public void slotFree(long slot) {
        try {
            SLOT_FREE.invokeExact(slot);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public int slotLoad(long slot, long path, long options, long err) {
        try {
            return (int) SLOT_LOAD.invokeExact(slot, path, options, err);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public int slotLoadSource(long slot, long source, long options, long err) {
        try {
            return (int) SLOT_LOAD_SOURCE.invokeExact(slot, source, options, err);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public int slotModel(long out, long slot, long err) {
        try {
            return (int) SLOT_MODEL.invokeExact(out, slot, err);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public int slotOpen(long out, long engine, long name, int create, long err) {
        try {
            return (int) SLOT_OPEN.invokeExact(out, engine, name, create, err);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public int slotRollback(long slot, long err) {
        try {
            return (int) SLOT_ROLLBACK.invokeExact(slot, err);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public int slotScore(long out, long slot, long row, long deadlineNs, long call, long err) {
        try {
            return (int) SLOT_SCORE.invokeExact(out, slot, row, deadlineNs, call, err);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public int slotScoreBatch(long out, long slot, long batch, long deadlineNs, long call, long err) {
        try {
            return (int) SLOT_SCORE_BATCH.invokeExact(out, slot, batch, deadlineNs, call, err);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public int slotSubmit(long queue, long tag, long slot, long row, long deadlineNs, long call, long err) {
        try {
            return (int) SLOT_SUBMIT.invokeExact(queue, tag, slot, row, deadlineNs, call, err);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public int slotSubmitBatch(long out, long queue, long tag, long slot, long batch, long deadlineNs, long call,
            long err) {
        try {
            return (int) SLOT_SUBMIT_BATCH.invokeExact(out, queue, tag, slot, batch, deadlineNs, call, err);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public int slotSwap(long slot, long model, long err) {
        try {
            return (int) SLOT_SWAP.invokeExact(slot, model, err);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public int sourceAddFile(long source, long name, long data, long size, long err) {
        try {
            return (int) SOURCE_ADD_FILE.invokeExact(source, name, data, size, err);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public int sourceCreate(long out, long err) {
        try {
            return (int) SOURCE_CREATE.invokeExact(out, err);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public void sourceFree(long source) {
        try {
            SOURCE_FREE.invokeExact(source);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public long statusName(int status) {
        try {
            return (long) STATUS_NAME.invokeExact(status);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public int systemInfo(long out, long err) {
        try {
            return (int) SYSTEM_INFO.invokeExact(out, err);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public long textData(long text) {
        try {
            return (long) TEXT_DATA.invokeExact(text);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public void textFree(long text) {
        try {
            TEXT_FREE.invokeExact(text);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public long textSize(long text) {
        try {
            return (long) TEXT_SIZE.invokeExact(text);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public long typeName(int type) {
        try {
            return (long) TYPE_NAME.invokeExact(type);
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }

    @Override
    public long version() {
        try {
            return (long) VERSION.invokeExact();
        } catch (Throwable thrown) {
            throw FfmLibrary.unexpected(thrown);
        }
    }
}
