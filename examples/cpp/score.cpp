// SPDX-License-Identifier: Apache-2.0
// Scores one payment: score examples/bundles/card-mlp
#include <cstdio>
#include <weighbridge.hpp>
namespace wb = weighbridge;

struct Payment {
    std::chrono::system_clock::time_point paid_at = std::chrono::system_clock::now();
    int64_t amount_minor = 249900;             // 2,499.00 EUR
    std::optional<float> amount_ratio = 6.5f;  // of the card's mean; empty for a card without a past
    bool abroad = true;
    std::string country = "DE", entry_mode = "ecommerce", merchant = "Online Shop 17";
    int mcc = 5732;
};

int main(int argc, char **argv) try {
    auto engine = wb::Engine::create().value();
    const char *bundle = argc == 2 ? argv[1] : "examples/bundles/card-mlp";
    auto model = wb::Model::load(engine, bundle).value();

    // Names and types are checked here; what is not bound takes its default.
    auto binding = wb::Binding<Payment>::bind(model.schema(), {{"paid_at", &Payment::paid_at},
                                                               {"paid_at_week", &Payment::paid_at},
                                                               {"amount_minor", &Payment::amount_minor},
                                                               {"amount_ratio", &Payment::amount_ratio},
                                                               {"abroad", &Payment::abroad},
                                                               {"country", &Payment::country},
                                                               {"mcc", &Payment::mcc},
                                                               {"entry_mode", &Payment::entry_mode},
                                                               {"merchant", &Payment::merchant}})
                       .value();

    auto result = model.score(binding, Payment{}, std::chrono::milliseconds(2)).value();  // an answer within 2 ms
    std::printf("score %.6f band %d from %s\n", result.score, result.band,
                result.is_fallback() ? "the fallback" : "the model");
} catch (const wb::Exception &error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
}
