// SPDX-License-Identifier: Apache-2.0
// A queue of an engine on a manual clock, with fake models.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/queue.hpp"
#include "support/fake_engine.hpp"

namespace weighbridge::test {

inline std::shared_ptr<const lib::Bundle> queue_bundle(const std::string &version) {
    return module_bundle("fake", R"("features": [{"name": "x", "type": "float32", "range": [0, 100]}],
        "tensors": [{"name": "x", "dtype": "float32", "shape": ["batch", 1], "features": ["x"]}],
        "outputs": [{"name": "fraud", "shape": ["batch"]}], "limits": {"rows": 64})",
                         {}, {version, R"({"score": 0.5})"});
}

struct Done {
    uint64_t tag;
    lib::Status status;
    wb_result result;
};

// A model "one" and its queue. Threads of the engine's own only where they are asked for.
class QueueHall {
  public:
    explicit QueueHall(uint32_t capacity = 8, int async_threads = 0, int contexts = 1)
        : hall(contexts, 16, lib::allocate_on_cpu, async_threads),
          bundle(queue_bundle("one")),
          queue(*hall.engine->make_queue(capacity)) {
        target.model = hall.model(control, bundle);
    }
    ~QueueHall() {
        control.release();
        queue->shut();
        (void)hall.engine->close(WB_NO_DEADLINE);  // no thread of its own is left
    }

    lib::Status submit(uint64_t tag, const lib::CallOptions &options = {}, const std::string &json = R"({"x": 1})",
                       std::span<const lib::OutputBuffer> outputs = {}) {
        auto row = row_of(*bundle->schema(), json);
        return hall.engine->submit(*queue, tag, {target, row.data(), options, {}, outputs});
    }
    // The completions that are there, or the status that says why there are none; in any thread.
    lib::Status drain(std::vector<Done> &out, size_t most = 64, int64_t deadline_ns = 0) {
        out.clear();
        const auto done = queue->next(most, deadline_ns);
        if (!done) return done.status();
        for (const lib::Submission *one = done->first(); one; one = one->next)
            out.push_back({one->tag, one->outcome, one->result});
        return {};
    }
    std::vector<Done> drained(size_t most = 64, int64_t deadline_ns = 0) {
        std::vector<Done> out;
        const lib::Status status = drain(out, most, deadline_ns);
        INFO(status.message);
        REQUIRE(status.ok());
        return out;
    }
    std::vector<uint64_t> drained_tags() {
        std::vector<uint64_t> tags;
        for (const Done &one : drained()) tags.push_back(one.tag);
        return tags;
    }
    uint64_t work() { return *hall.engine->work(WB_NO_DEADLINE); }
    int64_t in_us(int64_t us) const { return hall.clock.now_ns() + us * 1000; }

    FakeControl control;
    FakeEngine hall;
    std::shared_ptr<const lib::Bundle> bundle;
    lib::Target target;
    lib::Ref<lib::Queue> queue;
};

}  // namespace weighbridge::test
