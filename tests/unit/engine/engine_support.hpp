// SPDX-License-Identifier: Apache-2.0
// An engine that keeps its events, and fixture bundles to load into it.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "engine/engine.hpp"
#include "support/fixture.hpp"
#include "support/module_bundle.hpp"

namespace weighbridge::test {

class EngineWithLog {
  public:
    EngineWithLog() {
        lib::EngineOptions options;
        options.cpu_contexts = 1;
        options.log = [](int32_t event, const char *message, void *payload) {
            static_cast<EngineWithLog *>(payload)->events.emplace_back(event, message);
        };
        options.log_payload = this;
        auto made = lib::Engine::make(options);
        REQUIRE(made);
        engine = *made;
    }

    // Loads a fixture bundle.
    lib::Expected<lib::Ref<lib::Model>> load(const FixtureOptions &options = {}) {
        const std::string path = directory.path() + "/" + std::to_string(bundles_++);
        write_fixture(path, options);
        return engine->load(path, {});
    }

    // The messages of one kind of event since the last call.
    std::vector<std::string> take(int32_t event) {
        std::vector<std::string> messages;
        for (const auto &[kind, message] : std::exchange(events, {}))
            if (kind == event) messages.push_back(message);
        return messages;
    }

    std::vector<std::pair<int32_t, std::string>> events;
    ScratchDirectory directory;
    lib::Ref<lib::Engine> engine;

  private:
    int bundles_ = 0;
};

inline std::string replaced(std::string text, const std::string &from, const std::string &to) {
    size_t at = text.find(from);
    REQUIRE(at != std::string::npos);
    for (; at != std::string::npos; at = text.find(from, at + to.size())) text.replace(at, from.size(), to);
    return text;
}

// A change of the text of a fixture's file.
inline std::function<std::string(std::string)> replacing(const std::string &from, const std::string &to) {
    return [=](const std::string &text) { return replaced(text, from, to); };
}

}  // namespace weighbridge::test
