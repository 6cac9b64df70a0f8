// SPDX-License-Identifier: Apache-2.0
#include "telemetry/prometheus.hpp"

#include "base/format.hpp"

namespace weighbridge::lib {
namespace {

struct Bound {
    const char *seconds;
    int64_t ns;
};

// Bounds of 1, 2.5 and 5 a decade, from 1 us (a small MLP's row takes 3 us) to 10 s.
constexpr Bound kBounds[] = {
    {"1e-06", 1'000},      {"2.5e-06", 2'500},     {"5e-06", 5'000},     {"1e-05", 10'000},     {"2.5e-05", 25'000},
    {"5e-05", 50'000},     {"0.0001", 100'000},    {"0.00025", 250'000}, {"0.0005", 500'000},   {"0.001", 1'000'000},
    {"0.0025", 2'500'000}, {"0.005", 5'000'000},   {"0.01", 10'000'000}, {"0.025", 25'000'000}, {"0.05", 50'000'000},
    {"0.1", 100'000'000},  {"0.25", 250'000'000},  {"0.5", 500'000'000}, {"1", 1'000'000'000},  {"2.5", 2'500'000'000},
    {"5", 5'000'000'000},  {"10", 10'000'000'000},
};

struct Counter {
    const char *name, *help;
    uint64_t (*value)(const Figures &);
};

constexpr Counter kCounters[] = {
    {"requests_total", "Calls that were answered or failed", [](const Figures &of) { return of.requests(); }},
    {"rows_total", "Rows scored by a model", [](const Figures &of) { return of.rows; }},
    {"fallback_rows_total", "Rows answered by a fallback", [](const Figures &of) { return of.fallbacks; }},
    {"overloaded_total", "Calls shed", [](const Figures &of) { return of.overloaded; }},
    {"expired_total", "Calls that met their deadline without a model's answer",
     [](const Figures &of) { return of.expired; }},
    {"invalid_rows_total", "Rows refused for their values", [](const Figures &of) { return of.invalid; }},
    {"failed_total", "Calls that failed otherwise", [](const Figures &of) { return of.failed; }},
};
constexpr const char *kLatencyName = "latency_seconds", *kLatencyHelp = "Latency of calls from entry to return";

// A label's value, escaped as the format wants it.
std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '\\' || c == '"') out += '\\';
        out += c == '\n' ? "\\n" : std::string(1, c);
    }
    return out;
}

class Text {
  public:
    // A metric of one value, which has no labels.
    void add(const char *name, const char *type, const char *help, uint64_t value) {
        text_ += formatted("# HELP weighbridge_{} {}.\n# TYPE weighbridge_{} {}\n", name, help, name, type);
        text_ += formatted("weighbridge_{} {}\n", name, value);
    }

    // An info metric: its labels carry the information, its value is 1.
    void add_info(const std::string &name, const char *help, const std::vector<std::string> &labels) {
        text_ += formatted("# HELP {} {}.\n# TYPE {} gauge\n", name, help, name);
        for (const std::string &of : labels) add_sample(name, of, 1);
    }

    // `where` ends the help: which calls are meant. Series are pairs of labels ("" or "a=\"b\"") and figures.
    using Series = std::vector<std::pair<std::string, const Figures *>>;
    void add_all(const std::string &prefix, const char *where, const Series &series) {
        for (const Counter &counter : kCounters) {
            const std::string name = prefix + counter.name;
            text_ += formatted("# HELP {} {}{}.\n# TYPE {} counter\n", name, counter.help, where, name);
            for (const auto &[labels, figures] : series) add_sample(name, labels, counter.value(*figures));
        }
        const std::string name = prefix + kLatencyName;
        text_ += formatted("# HELP {} {}{}.\n# TYPE {} histogram\n", name, kLatencyHelp, where, name);
        for (const auto &[labels, figures] : series) add_latency(name, labels, *figures);
    }

    std::string take() { return std::move(text_); }

  private:
    void add_sample(const std::string &name, const std::string &labels, uint64_t value) {
        text_ += formatted("{}{}{}{} {}\n", name, labels.empty() ? "" : "{", labels, labels.empty() ? "" : "}", value);
    }

    // A bucket of the histogram that straddles a bound counts above it: at most 1.6 % off, never flattering.
    void add_latency(const std::string &name, const std::string &labels, const Figures &figures) {
        const std::string before = labels.empty() ? "" : labels + ",";
        const LatencyCounts &counts = figures.latency;
        uint64_t seen = 0;
        size_t next = 0;
        for (const Bound &bound : kBounds) {
            for (; next < counts.size() && LatencyBuckets::least(next + 1) - 1 <= bound.ns; ++next)
                seen += counts[next];
            add_sample(name + "_bucket", formatted("{}le=\"{}\"", before, bound.seconds), seen);
        }
        for (; next < counts.size(); ++next) seen += counts[next];
        add_sample(name + "_bucket", before + "le=\"+Inf\"", seen);
        const uint64_t sum_ns = figures.latency_sum_ns;
        text_ += formatted("{}_sum{}{}{} {}.{:09}\n", name, labels.empty() ? "" : "{", labels,
                           labels.empty() ? "" : "}", sum_ns / 1'000'000'000, sum_ns % 1'000'000'000);
        add_sample(name + "_count", labels, seen);
    }

    std::string text_;
};

}  // namespace

std::string prometheus_text(const wb_snapshot &gauges, const Figures &engine, const std::vector<SlotSeries> &slots,
                            uint64_t joined_rows) {
    Text text;
    text.add("contexts", "gauge", "Contexts of the pool", gauges.contexts);
    text.add("waiting", "gauge", "Requests that wait for a context", gauges.waiting);
    text.add("models", "gauge", "Models loaded", gauges.models);
    text.add("swaps_total", "counter", "Swaps of a slot's model", gauges.swaps);
    text.add("joined_rows_total", "counter", "Single rows that ran with others that waited", joined_rows);
    text.add_all("weighbridge_", "", {{"", &engine}});
    if (slots.empty()) return text.take();
    std::vector<std::string> serving;
    Text::Series totals, versions;
    for (const SlotSeries &of : slots) {
        const std::string slot = formatted("slot=\"{}\"", escaped(of.slot));
        const auto labels = [&](std::string_view version, uint64_t bundle) {
            return formatted("{},version=\"{}\",bundle=\"{:016x}\"", slot, escaped(version), bundle);
        };
        if (!of.version.empty()) serving.push_back(labels(of.version, of.bundle));
        totals.emplace_back(slot, of.total);
        for (const auto &[version, bundle, figures] : of.versions)
            versions.emplace_back(labels(version, bundle), figures);
    }
    text.add_info("weighbridge_slot_info", "The version and the bundle that a slot serves", serving);
    text.add_all("weighbridge_slot_", ", by slot", totals);
    text.add_all("weighbridge_slot_version_", ", by slot and bundle that it serves or can be rolled back to", versions);
    return text.take();
}

}  // namespace weighbridge::lib
