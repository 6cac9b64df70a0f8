// SPDX-License-Identifier: Apache-2.0
// Scores payments without waiting for them: queue examples/bundles/card-mlp
#include <cstdio>
#include <thread>
#include <weighbridge.hpp>
namespace wb = weighbridge;
using namespace std::chrono_literals;

// One payment's way through a service, as a coroutine: it goes on where the queue is drained.
struct Task {
    struct promise_type {
        Task get_return_object() { return {}; }
        std::suspend_never initial_suspend() noexcept { return {}; }
        std::suspend_never final_suspend() noexcept { return {}; }
        void return_void() {}
        void unhandled_exception() { std::terminate(); }
    };
};

Task decide(wb::Queue &queue, const wb::Model &model, wb::Row row, int64_t amount_minor) {
    row.set("amount_minor", amount_minor).value();
    auto result = co_await queue.score(model, row, 20ms);  // an answer within 20 ms
    if (result)
        std::printf("amount %ld score %.6f band %d\n", static_cast<long>(amount_minor), result->score, result->band);
    else
        std::printf("amount %ld %s\n", static_cast<long>(amount_minor), result.error().message.c_str());
}

wb::Row payment(const wb::Model &model) {
    wb::Row row(model.schema());
    row.set("paid_at", std::chrono::system_clock::now()).value();
    row.set("paid_at_week", std::chrono::system_clock::now()).value();
    row.set("amount_minor", 249900).value();
    row.set("abroad", true).value();
    row.set("country", "DE").value();
    row.set("mcc", 5732).value();
    row.set("entry_mode", "ecommerce").value();
    row.set("merchant", "Online Shop 17").value();
    return row;
}

int main(int argc, char **argv) try {
    auto engine = wb::Engine::create().value();  // its threads run what is submitted; they start at the first submit
    auto model = wb::Model::load(engine, argc == 2 ? argv[1] : "examples/bundles/card-mlp").value();
    auto queue = wb::Queue::create(engine).value();
    std::jthread drainer([&](const std::stop_token &stop) {
        while (!stop.stop_requested() && queue.drain(100ms)) {  // tells who is complete, on this thread
        }
    });

    for (int64_t amount_minor : {1250, 99900, 249900}) decide(queue, model, payment(model), amount_minor);
    auto row = payment(model);
    auto future = queue.async(model, row, 20ms).value();
    auto result = future.get().value();
    std::printf("score %.6f band %d from %s\n", result.score, result.band,
                result.is_fallback() ? "the fallback" : "the model");
} catch (const wb::Exception &error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
}
