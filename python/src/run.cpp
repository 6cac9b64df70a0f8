// SPDX-License-Identifier: Apache-2.0
#include "run.hpp"

#include "call.hpp"
#include "gil.hpp"
#include "queue.hpp"
#include "target.hpp"

namespace weighbridge::python {

namespace {

// Rows of a window: long enough that handing one over does not count, and where there are many, so few that the last
// ones still spread over all contexts.
constexpr int64_t kFewestRows = 512;
constexpr int64_t kMostRows = 2048;
constexpr int64_t kWindowsEach = 32;  // of a context
constexpr int64_t kSignalsEveryNs = 50'000'000;

}  // namespace

void place(const Blocks &blocks, const Places &results, const Places &outputs) {
    int64_t base = 0;
    for (const Block *block : blocks) {
        wb_error err = WB_ERROR_INIT;
        // An array without rows may have a stride of zero.
        auto stride = [](const py::array &array) { return array.shape(0) > 0 ? array.strides(0) : array.itemsize(); };
        auto at = [&](const py::array &array) {
            return const_cast<char *>(static_cast<const char *>(array.data())) + base * stride(array);
        };
        for (const auto &[column, array] : results)
            check(wb_batch_set_result(block->batch(), column, at(array), stride(array), &err), err);
        for (const auto &[index, array] : outputs)
            check(wb_batch_set_output(block->batch(), static_cast<uint32_t>(index),
                                      reinterpret_cast<float *>(at(array)), stride(array), &err),
                  err);
        base += block->rows();
    }
}

std::vector<Window> windows_of(const Blocks &blocks, uint32_t contexts) {
    std::vector<Window> windows;
    int64_t base = 0, all = 0;
    for (const Block *block : blocks) all += block->rows();
    const int64_t most = std::clamp(all / (kWindowsEach * contexts), kFewestRows, kMostRows);
    for (const Block *block : blocks) {
        for (int64_t first = 0; first < block->rows(); first += most)
            windows.push_back({block, first, std::min(most, block->rows() - first), base});
        base += block->rows();
    }
    return windows;
}

void Tally::add(const Window &window, const wb_batch_result &result, const wb_error &err) {
    total_.rows += result.rows;
    total_.scored += result.scored;
    total_.fallbacks += result.fallbacks;
    total_.invalid += result.invalid;
    total_.failed += result.failed;
    total_.queue_ns += result.queue_ns;
    total_.run_ns += result.run_ns;
    if (result.reason != WB_REASON_NONE) total_.reason = result.reason;
    if (result.backend != WB_BACKEND_NONE) {
        total_.backend = result.backend;
        total_.precision = result.precision;
        total_.numerics = result.numerics;
        total_.device = result.device;
    }
    if (result.bundle != 0) {
        total_.bundle = result.bundle;
        std::memcpy(total_.version, result.version, sizeof total_.version);
    }
    if (result.fallback_bundle != 0) total_.fallback_bundle = result.fallback_bundle;
    if (result.first_error >= 0 && (total_.first_error < 0 || window.base + result.first_error < total_.first_error)) {
        total_.first_error = window.base + result.first_error;
        first_ = err;
    }
}

py::dict Tally::dict() const {
    py::dict out;
    auto put = [&](const char *name, auto value) { out[name] = value; };
    put("status", total_.first_error >= 0 ? WB_OK_PARTIAL : total_.fallbacks > 0 ? WB_OK_FALLBACK : WB_OK);
    put("rows", total_.rows);
    put("scored", total_.scored);
    put("fallbacks", total_.fallbacks);
    put("invalid", total_.invalid);
    put("failed", total_.failed);
    put("first_error", total_.first_error);
    put("error", py::make_tuple(std::string(first_.message), first_.feature));  // its code is in the status column
    put("reason", wb_reason_name(total_.reason));
    put("backend", wb_backend_name(total_.backend));
    put("precision", wb_precision_name(total_.precision));
    put("numerics", total_.numerics);
    put("device", total_.device);
    put("bundle", total_.bundle);
    put("fallback_bundle", total_.fallback_bundle);
    put("version", std::string(total_.version));
    put("queue_ns", total_.queue_ns);
    put("run_ns", total_.run_ns);
    return out;
}

void fail_window(const Window &window, int32_t status, const wb_error &err) {
    fail(status, err.message, err.feature, err.row < 0 ? err.row : window.base + err.row);
}

namespace {

void set_window(const Window &window) {
    wb_error err = WB_ERROR_INIT;
    check(wb_batch_set_window(window.block->batch(), window.first, window.rows, &err), err);
}

void between(const py::object &progress, int64_t rows) {
    if (!progress.is_none()) progress(rows);
    if (PyErr_CheckSignals() != 0) throw py::error_already_set();
}

// One window after another, on this thread.
void run_here(const Target &target, const std::vector<Window> &windows, int64_t deadline, const wb::Call &call,
              const py::object &progress, Tally &tally) {
    for (const Window &window : windows) {
        wb_batch_result result = WB_BATCH_RESULT_INIT;
        wb_error err = WB_ERROR_INIT;
        int32_t status = 0;
        set_window(window);
        {
            const Released released;
            status = target.score_batch(&result, window.block->batch(), deadline, call.get(), &err);
        }
        if (status < 0) fail_window(window, status, err);
        tally.add(window, result, err);
        between(progress, window.rows);
    }
}

// Windows on the engine's threads, as many as it has contexts and as many waiting.
class Spread {
  public:
    Spread(const PyEngine &engine, uint32_t under_way, size_t windows, wb::Call &call)
        : results_(windows, wb_batch_result(WB_BATCH_RESULT_INIT)),
          queue_(engine, under_way),
          cancel_(wb::CancelToken::create().value()),
          under_way_(under_way) {
        call.cancel(cancel_).value();
    }
    // Ends what runs, before its memory goes.
    ~Spread() { (void)cancel_.set(); }
    Spread(const Spread &) = delete;
    Spread &operator=(const Spread &) = delete;

    void run(const Target &target, const std::vector<Window> &windows, int64_t deadline, const wb::Call &call,
             const py::object &progress, Tally &tally) {
        size_t next = 0;
        for (size_t done = 0; done < windows.size();) {
            for (; next < windows.size() && next - done < under_way_; ++next) {
                wb_error err = WB_ERROR_INIT;
                set_window(windows[next]);
                check(target.submit_batch(&results_[next], queue_.get(), next, windows[next].block->batch(), deadline,
                                          call.get(), &err),
                      err);
            }
            wb_completion completion;
            if (queue_.take(&completion, 1, wb_now_ns() + kSignalsEveryNs) == 0) {
                between(py::none(), 0);
                continue;
            }
            const Window &window = windows[completion.tag];
            if (completion.status < 0) fail_window(window, completion.status, completion.error);
            tally.add(window, results_[completion.tag], completion.error);
            ++done;
            between(progress, window.rows);
        }
    }

  private:
    std::vector<wb_batch_result> results_;
    Completions queue_;
    wb::CancelToken cancel_;
    uint32_t under_way_;
};

py::dict score_blocks(const Target &target, const PyEngine &engine, const Blocks &blocks, const Places &results,
                      const Places &outputs, py::handle timeout, py::handle deadline_ns, bool fallback, bool high,
                      const py::object &progress) {
    place(blocks, results, outputs);
    int64_t deadline = deadline_of(timeout, deadline_ns);
    if (deadline == WB_DEFAULT_DEADLINE) {  // of the whole, not of each window
        const auto budget = engine.engine.default_deadline().value();
        deadline = budget.count() > 0 ? wb::Deadline(budget).ns() : WB_NO_DEADLINE;
    }
    wb::Call call = Options{fallback, high}.made();
    const uint32_t contexts = engine.engine.snapshot().value().contexts;
    const std::vector<Window> windows = windows_of(blocks, contexts);
    Tally tally;
    if (!engine.has_threads || windows.size() == 1) {
        run_here(target, windows, deadline, call, progress, tally);
    } else {  // with one context too, so that this thread hears signals while a window runs
        Spread(engine, 2 * contexts, windows.size(), call).run(target, windows, deadline, call, progress, tally);
    }
    return tally.dict();
}

}  // namespace

void register_run(py::module_ &module) {
    module.def("score_blocks", &score_blocks, py::arg("target"), py::arg("engine"), py::arg("blocks"),
               py::arg("results"), py::arg("outputs"), py::arg("timeout"), py::arg("deadline_ns"), py::arg("fallback"),
               py::arg("high"), py::arg("progress"));
}

}  // namespace weighbridge::python
