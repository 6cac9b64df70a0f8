// SPDX-License-Identifier: Apache-2.0
#include "engine/submission.hpp"

#include <cstddef>
#include <cstring>

#include "base/bytes.hpp"
#include "base/exception.hpp"
#include "engine/expiry.hpp"
#include "engine/queue.hpp"
#include "engine/request.hpp"

namespace weighbridge::lib {
namespace {

// Larger row buffers are freed after use, so that a queue's memory follows its traffic.
constexpr size_t kKeptRowBytes = 16384;

// Copies a row but for its busy mark, which other threads may be testing.
void copy_bytes(const std::byte *from, std::vector<uint64_t> &words) {
    const auto header = load_unaligned<wb_row_header>(from);
    words.resize((size_t{header.used} + sizeof(uint64_t) - 1) / sizeof(uint64_t));
    auto *to = reinterpret_cast<std::byte *>(words.data());
    constexpr size_t kMark = offsetof(wb_row_header, busy), kBehind = kMark + sizeof header.busy;
    const uint32_t capacity = header.used, free = 0;
    std::memcpy(to, from, kMark);
    std::memcpy(to + offsetof(wb_row_header, capacity), &capacity, sizeof capacity);
    std::memcpy(to + kMark, &free, sizeof free);
    std::memcpy(to + kBehind, from + kBehind, header.used - kBehind);
}

}  // namespace

Submission::Submission() = default;

Submission::~Submission() { clear(); }

Status Submission::copy_row(const SubmitOrder &order) {
    const ResultSink sink(*order.target.model, order.options.accept_fallback, order.outputs, result);
    if (Status status = sink.check(); !status.ok()) return status;
    SingleRow row(order.row);
    if (Status status = row.lock(*order.target.layout(row.schema_digest()).schema); !status.ok()) return status;
    copy_bytes(static_cast<const std::byte *>(order.row), row_);
    return {};
}

Status Submission::copy_batch(const SubmitOrder &order) {
    batch_ = make_ref<Batch>(*order.batch);
    const ColumnSink sink(*order.target.model, order.options.accept_fallback, *batch_, batch_result);
    if (Status status = sink.check(); !status.ok()) return status;
    BatchRows rows(*batch_);
    return rows.lock(*order.target.layout(rows.schema_digest()).schema);
}

Status Submission::fill(const SubmitOrder &order, int64_t now_ns) {
    if (Status status = order.batch ? copy_batch(order) : copy_row(order); !status.ok()) return status;
    batch_out = order.batch_out;
    outputs_.assign(order.outputs.begin(), order.outputs.end());
    target_ = order.target;
    spare_ = order.spare;
    submitted_ns_ = now_ns;
    options_ = order.options;
    options_.patience = Patience::accepted;
    options_.cancel = &stop;
    stop.set(false);
    alone = false;
    if (order.options.cancel) {
        cancel_owner_ = order.cancel_owner;
        callers_token_ = order.options.cancel;
        callers_token_->attach(*this);
    }
    return {};
}

Status Submission::serve(Runtime &runtime, RequestRows &rows, Sink &sink) {
    const int64_t waited_ns = runtime.clock.now_ns() - submitted_ns_;
    return Request(runtime, target_, std::move(spare_), options_, rows, sink, submitted_ns_, waited_ns).serve();
}

Status Submission::answer(Runtime &runtime) {
    if (!batch_) {
        SingleRow row(row_.data());
        ResultSink sink(*target_.model, options_.accept_fallback, outputs_, result);
        return serve(runtime, row, sink);
    }
    BatchRows rows(*batch_);
    ColumnSink sink(*target_.model, options_.accept_fallback, *batch_, batch_result);
    return serve(runtime, rows, sink);
}

// The reserve of a fallback slot is left to it, though it may prove unable to answer.
int64_t Submission::ride_deadline_ns() const {
    if (!spare_.model || options_.deadline_ns == WB_NO_DEADLINE) return options_.deadline_ns;
    const int64_t reserve_ns = target_.model->bundle().manifest().fallback.reserve_us * 1000;
    return std::max(options_.deadline_ns, INT64_MIN + reserve_ns) - reserve_ns;
}

int64_t Submission::ride_ns(int64_t others) const {
    return batch_ || alone || target_.model->joining() == Joining::none ? 0 : target_.model->tile_run_ns(others);
}

void Submission::run(Runtime &runtime, Company *company) {
    result = WB_RESULT_INIT;
    batch_result.reset();
    options_.company = company;
    try {
        outcome = answer(runtime);
    } catch (...) {
        outcome = failure_of_exception();
    }
    let_go_of_target();
}

bool Submission::expire(Runtime &runtime) {
    if (!batch_) {
        run(runtime);
        return true;
    }
    try {
        if (!expiry_) {
            batch_result.reset();
            expiry_ = std::make_unique<Expiry>(runtime, Ref<Queue>(queue), target_, std::move(spare_), options_,
                                               *batch_, batch_result, submitted_ns_);
        }
        if (!expiry_->step()) return false;
        outcome = expiry_->outcome();
    } catch (...) {
        outcome = failure_of_exception();
    }
    expiry_.reset();
    let_go_of_target();
    return true;
}

void Submission::refuse(Runtime &runtime, const Status &why) {
    result = WB_RESULT_INIT;
    batch_result.reset();
    outcome = why;
    CallRecord record;
    record.status = why.code;
    record.latency_ns = runtime.clock.now_ns() - submitted_ns_;
    target_.account(runtime).counters.record(record);
}

void Submission::clear() {
    if (callers_token_) callers_token_->detach(*this);
    callers_token_ = nullptr;
    cancel_owner_ = {};
    target_ = spare_ = Target();
    batch_ = {};
    batch_out = nullptr;
    if (row_.capacity() * sizeof(uint64_t) > kKeptRowBytes) row_ = {};
}

void Submission::wake() { queue->cancel(*this); }

}  // namespace weighbridge::lib
