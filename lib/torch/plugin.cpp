// SPDX-License-Identifier: Apache-2.0
#include <ATen/Parallel.h>
#include <c10/util/Exception.h>
#include <dlfcn.h>
#include <torch/csrc/jit/python/update_graph_executor_opt.h>
#include <torch/csrc/jit/runtime/jit_exception.h>
#include <torch/headeronly/version.h>

#include <algorithm>
#include <exception>
#include <new>

#include "error_text.hpp"
#include "import_entry.hpp"
#include "module.hpp"
#include "prime.hpp"
#include "weighbridge/c/base.h"

namespace weighbridge::torch_plugin {
namespace {

// Warning handler that drops them: a guest prints nothing. c10 has one for each thread.
class SilentWarnings final : public c10::WarningHandler {
  public:
    void process(const c10::Warning &) override {}
};

// Per-thread setters of the very OpenMP runtime and MKL that LibTorch is linked to; a process may hold several copies.
struct ThreadControls {
    void (*omp_set)(int) = nullptr;
    int (*mkl_set_local)(int) = nullptr;  // absent where LibTorch is built without MKL
};

ThreadControls find_controls() {
    ThreadControls found;
    Dl_info where{};
    int (*const inside)() = &at::get_num_threads;
    if (!dladdr(reinterpret_cast<void *>(inside), &where)) return found;
    void *handle = dlopen(where.dli_fname, RTLD_NOW | RTLD_NOLOAD);
    if (!handle) return found;
    // dlsym on a library's handle searches its dependencies too, so this finds LibTorch's own libgomp.
    found.omp_set = reinterpret_cast<void (*)(int)>(dlsym(handle, "omp_set_num_threads"));
    found.mkl_set_local = reinterpret_cast<int (*)(int)>(dlsym(handle, "MKL_Set_Num_Threads_Local"));
    dlclose(handle);
    return found;
}

int32_t thread_init(char *error, uint32_t error_bytes) {
    try {
        static const ThreadControls controls = find_controls();
        static SilentWarnings *const silent = new SilentWarnings;  // lives as long as any thread that points to it
        if (!controls.omp_set)
            throw Refusal{
                WB_BACKEND_UNAVAILABLE,
                "LibTorch uses no OpenMP, so its threads cannot be limited for one caller; use another build"};
        c10::WarningUtils::set_warning_handler(silent);
        // Simple executor: no profiling runs and no specialisation by shape, so that a call never depends on those
        // before it (measured in lib/torch/README.md).
        torch::jit::setGraphExecutorOptimize(false);
        if (controls.mkl_set_local) controls.mkl_set_local(1);
        at::get_num_threads();  // LibTorch sets this thread's OpenMP number at its first use, which must not come later
        controls.omp_set(1);
        if (const int threads = at::get_num_threads(); threads != 1)
            throw Refusal{WB_BACKEND_UNAVAILABLE,
                          "expected 1 intra-op thread on this thread, got " + std::to_string(threads)};
        return WB_OK;
    } catch (...) {
        return write_exception(WB_BACKEND_FAILED, error, error_bytes);
    }
}

// The reason in a TorchScript or c10 message of many lines.
std::string_view essence(std::string_view text) {
    // torch/csrc/jit/runtime/interpreter.cpp, handleError: a heading, the module's stack, then "RuntimeError: <what>".
    constexpr std::string_view kMark = "\nRuntimeError: ";
    if (const size_t at = text.rfind(kMark); at != std::string_view::npos) text.remove_prefix(at + 1);
    while (!text.empty() && (text.front() == '\n' || text.front() == ' ')) text.remove_prefix(1);
    return text.substr(0, text.find('\n'));
}

int32_t write_text(std::string_view text, int32_t otherwise, char *error, uint32_t error_bytes) {
    write_line(essence(text), error, error_bytes);
    // c10/core/impl/alloc_cpu.cpp reports exhausted memory as a plain error.
    return text.find("DefaultCPUAllocator: ") != std::string_view::npos ? WB_OUT_OF_MEMORY : otherwise;
}

constexpr wb_plugin_v1 kTable = {
    sizeof(wb_plugin_v1), WB_PLUGIN_ABI, TORCH_VERSION, __VERSION__ ", LibTorch " TORCH_VERSION,
    &thread_init,         &load,         &unload,       &run,
    &import_graph,        &prime,
};

}  // namespace

std::string printable(std::string_view text) {
    std::string lines(text);
    for (char &c : lines)
        if ((c < 0x20 || c >= 0x7f) && c != '\n') c = '?';
    return lines;
}

void write_line(std::string_view text, char *error, uint32_t error_bytes) {
    if (!error || error_bytes == 0) return;
    const size_t count = std::min<size_t>(text.size(), error_bytes - 1);
    for (size_t i = 0; i < count; ++i) error[i] = text[i] >= 0x20 && text[i] < 0x7f ? text[i] : '?';
    error[count] = 0;
}

int32_t write_exception(int32_t otherwise, char *error, uint32_t error_bytes) noexcept {
    try {
        throw;
    } catch (const Refusal &refusal) {
        write_line(refusal.message, error, error_bytes);
        return refusal.code;
    } catch (const std::bad_alloc &) {
        write_line("out of memory", error, error_bytes);
        return WB_OUT_OF_MEMORY;
    } catch (const c10::OutOfMemoryError &) {
        write_line("out of memory", error, error_bytes);
        return WB_OUT_OF_MEMORY;
    } catch (const c10::Error &failure) {
        return write_text(failure.what_without_backtrace(), otherwise, error, error_bytes);
    } catch (const torch::jit::JITException &raised) {
        const auto original = raised.getOriginalMsg();
        return write_text(original ? std::string_view(*original) : std::string_view(raised.what()), otherwise, error,
                          error_bytes);
    } catch (const std::exception &failure) {
        return write_text(failure.what(), otherwise, error, error_bytes);
    } catch (...) {
        write_line("an exception of unknown type", error, error_bytes);
        return otherwise;
    }
}

}  // namespace weighbridge::torch_plugin

extern "C" __attribute__((visibility("default"))) const wb_plugin_v1 *wb_plugin_get(uint32_t abi) {
    return abi == WB_PLUGIN_ABI ? &weighbridge::torch_plugin::kTable : nullptr;
}
