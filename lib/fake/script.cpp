// SPDX-License-Identifier: Apache-2.0
#include "fake/script.hpp"

#include <cmath>

#include "base/status_name.hpp"
#include "bundle/json_cursor.hpp"

namespace weighbridge::lib {
namespace {

constexpr size_t kScriptBytes = size_t{1} << 20;
constexpr size_t kEntries = 65536;
constexpr size_t kMessageBytes = 200;  // with what is put before it, a wb_error's 255
constexpr int64_t kLongest_us = int64_t{3600} * 1'000'000;

float read_score(const JsonCursor &at) {
    const auto score = static_cast<float>(at.number());
    if (!std::isfinite(score)) at.expected("a number that float32 holds");
    return score;
}

int64_t read_latency_ns(const JsonCursor &at) { return at.integer(0, kLongest_us) * 1000; }

// One value, or an array of them.
template <class T>
std::vector<T> read_turns(const JsonCursor &at, T (*read)(const JsonCursor &)) {
    std::vector<T> turns;
    if (!at.is_array()) {
        turns.push_back(read(at));
        return turns;
    }
    for (size_t i = 0, size = at.array(1, kEntries); i < size; ++i) turns.push_back(read(at.element(i)));
    return turns;
}

std::vector<float> read_scores(const JsonCursor &at) {
    if (at.is_string()) {
        if (at.word() != "hash") at.expected("a number, an array of numbers or \"hash\"");
        return {};
    }
    return read_turns(at, read_score);
}

FakeScript::Failure read_failure(const JsonCursor &at) {
    FakeScript::Failure failure;
    const JsonCursor status = at.field("status"), message = at.field("message");
    const auto code = status_of(status.word());
    if (!code || *code >= 0)
        status.expected("the name of an error, such as WB_BACKEND_FAILED");
    else
        failure.status = *code;
    failure.message = message ? message.text(1, kMessageBytes) : "the fake engine's script says so";
    return failure;
}

FakeScript::Row read_row(const JsonCursor &at) {
    FakeScript::Row read;
    if (!at.object({"row", "score", "latency_us", "status", "message"})) return read;
    const JsonCursor row = at.field("row"), score = at.field("score"), latency = at.field("latency_us"),
                     status = at.field("status");
    if (row.object()) read.json = row.json();
    if (score) read.score = read_score(score);
    if (latency) read.latency_ns = read_latency_ns(latency);
    if (status) read.failure = read_failure(at);
    if (!score && !latency && !status) at.refuse("expected a score, a latency_us or a status, got none");
    if (score && status) at.refuse("expected a score or a status, got both");
    if (at.field("message") && !status) at.refuse("expected a status beside the message, got none");
    return read;
}

FakeScript::Periodic read_periodic(const JsonCursor &at) {
    FakeScript::Periodic read;
    if (!at.object({"status", "message", "every", "times"})) return read;
    constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
    const JsonCursor every = at.field("every"), times = at.field("times");
    read.failure = read_failure(at);
    if (every) read.every = every.integer(1, kMost);
    if (times) read.times = times.integer(1, kMost);
    return read;
}

void read_load(const JsonCursor &at, FakeScript &script) {
    if (!at.object({"status", "message", "latency_us"})) return;
    const JsonCursor latency = at.field("latency_us");
    if (latency) script.load_latency_ns = read_latency_ns(latency);
    if (at.field("status"))
        script.load_failure = read_failure(at);
    else if (at.field("message"))
        at.refuse("expected a status beside the message, got none");
}

FakeScript read_document(const JsonCursor &at) {
    FakeScript script;
    if (!at.object({"score", "latency_us", "rows", "failures", "load"})) return script;
    const JsonCursor score = at.field("score"), latency = at.field("latency_us"), rows = at.field("rows"),
                     failures = at.field("failures"), load = at.field("load");
    if (score) script.scores = read_scores(score);
    if (latency) script.latencies_ns = read_turns(latency, read_latency_ns);
    for (size_t i = 0, size = rows ? rows.array(0, kEntries) : 0; i < size; ++i)
        script.rows.push_back(read_row(rows.element(i)));
    for (size_t i = 0, size = failures ? failures.array(0, kEntries) : 0; i < size; ++i)
        script.failures.push_back(read_periodic(failures.element(i)));
    if (load) read_load(load, script);
    return script;
}

}  // namespace

Expected<FakeScript> read_fake_script(std::string_view text) {
    if (text.empty()) return FakeScript();
    auto document = parse_json("fake_script", text, kScriptBytes);
    if (!document) return Status::failure(WB_INVALID_ARGUMENT, "{}", document.status().message);
    JsonReport report("fake_script");
    FakeScript script = read_document(JsonCursor(report, *document));
    if (report.failed()) return Status::failure(WB_INVALID_ARGUMENT, "{}", report.status().message);
    return script;
}

}  // namespace weighbridge::lib
