/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  The one C function table between the core and a LibTorch plug-in, libweighbridge_torch-<minor>.so. Not installed.
 *  No C++ type crosses it; no function throws. Own ABI number: core and plug-in are refused where it differs. */
#ifndef WEIGHBRIDGE_LIB_TORCHSCRIPT_PLUGIN_API_H
#define WEIGHBRIDGE_LIB_TORCHSCRIPT_PLUGIN_API_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WB_PLUGIN_ABI 6u
#define WB_PLUGIN_MAX_RANK 8

typedef struct wb_plugin_module wb_plugin_module;

/** Where a call runs. cpu has device_type 0 and stream NULL; the CUDA plug-in takes 1, the ordinal and a stream. */
typedef struct wb_plugin_device {
    int32_t device_type;
    int32_t ordinal;
    void *stream;
} wb_plugin_device;

/** A dense row-major input; dtype is WB_DTYPE_*. The memory is the core's and stays during the call. */
typedef struct wb_plugin_tensor {
    int32_t dtype;
    int32_t rank;
    int64_t shape[WB_PLUGIN_MAX_RANK];
    const void *data;
} wb_plugin_tensor;

/** Where one of forward's outputs is found and where it goes: element `index` of a tuple (0 of a lone tensor), or `key`
 *  of a dict where key is not NULL. The plug-in checks that it is floating and has this shape, and writes float32. */
typedef struct wb_plugin_output {
    const char *name; /**< for messages */
    const char *key;
    int64_t index;
    int32_t rank;
    int32_t reserved;
    int64_t shape[WB_PLUGIN_MAX_RANK]; /**< expected, batch size filled in */
    float *data;                       /**< room for the product of shape */
} wb_plugin_output;

/** Receives bytes that are valid during the call only. Must not throw. */
typedef void (*wb_plugin_sink)(const void *bytes, uint64_t size, void *payload);

typedef struct wb_plugin_v1 {
    uint32_t struct_size;
    uint32_t abi;              /**< WB_PLUGIN_ABI */
    const char *torch_version; /**< what it was compiled with, such as "2.15.0" */
    const char *build;         /**< for `version`: compiler, LibTorch build */

    /** Sets up the calling thread for load, run and import_module, which it may not call before: one intra-op thread,
     *  warnings dropped, no profiling runs. Changes nothing for other threads. @return a status code */
    int32_t (*thread_init)(char *error, uint32_t error_bytes);

    /** Loads TorchScript from memory, in eval mode, frozen, onto the device. Checks forward's number of arguments.
     *  @return a status code; `error` receives one line */
    int32_t (*load)(wb_plugin_module **out, const void *bytes, uint64_t size, wb_plugin_device device,
                    uint32_t arguments, char *error, uint32_t error_bytes);
    void (*unload)(wb_plugin_module *module);

    /** Runs forward once. Thread-safe for one module on several context threads. Outputs are undefined on failure.
     *  @return WB_OK; WB_BACKEND_FAILED (forward raised: `error` may quote a payment's values); WB_INVALID_BUNDLE (what
     *  it gave is not what was asked for: `error` quotes none); WB_OUT_OF_MEMORY */
    int32_t (*run)(wb_plugin_module *module, wb_plugin_device device, const wb_plugin_tensor *inputs,
                   uint32_t input_count, wb_plugin_output *outputs, uint32_t output_count, char *error,
                   uint32_t error_bytes);

    /** Imports forward as a graph, on a thread that had thread_init. `request` is as lib/compile/import_request.hpp has
     *  it. Calls `graph` once on WB_OK, with the graph as lib/graph/graph_file.hpp has it, and `report` once otherwise,
     *  with text.
     *  @return WB_OK; WB_INVALID_BUNDLE (the text has a line "operator, layer, file:line: reason; advice" for each that
     *  cannot be imported, split by LF, or one line on the module); WB_OUT_OF_MEMORY */
    int32_t (*import_module)(const void *bytes, uint64_t size, const void *request, uint64_t request_size,
                             wb_plugin_sink graph, wb_plugin_sink report, void *payload);

    /** Has LibTorch do what it does once in a process, on a thread that had thread_init: load, run and import_module
     *  open no file and start no thread afterwards. @return a status code */
    int32_t (*prime)(char *error, uint32_t error_bytes);
} wb_plugin_v1;

/** The plug-in's only exported function. @return NULL where it does not speak this ABI number */
typedef const wb_plugin_v1 *(*wb_plugin_get_fn)(uint32_t abi);
#define WB_PLUGIN_GET "wb_plugin_get"

#ifdef __cplusplus
}
#endif
#endif
