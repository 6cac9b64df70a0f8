// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <mutex>
#include <optional>
#include <thread>

#include "cli/bench_rows.hpp"
#include "cli/command.hpp"
#include "cli/interrupt.hpp"
#include "cli/options.hpp"
#include "cli/progress.hpp"
#include "cli/report.hpp"

namespace weighbridge::cli {

namespace {

constexpr double turn_seconds = 0.25;       // so short that the machine's moods meet all counts of threads alike
constexpr double settling_seconds = 0.025;  // of each turn but the first, before it is measured

int64_t ns(double seconds) { return static_cast<int64_t>(seconds * 1e9); }

double us(int64_t ns) { return static_cast<double>(ns) / 1000.0; }

// A count of threads, and what they did in all their turns.
struct Lap {
    uint32_t threads = 1;
    Timing timing;
    Scored scored;
};

class Bench final : public Verb {
  public:
    void declare(Options &options) override {
        choice_.declare_directory(options);
        input_.declare_optional(options, "payments to score in turn (default: the golden rows), at most 4096");
        options.counts("--threads", threads_, 1, 256,
                       "threads that call (default 1); a list between commas, such as 2,16,64, measures each count, by "
                       "turns of 0.25 s");
        options.count("--contexts", choice_.contexts, 1, 256, "contexts that run them (default: as many as threads)");
        choice_.declare_devices(options);
        options.count("--batch", calls_.batch, 1, 1 << 20, "rows in one call (default 1)");
        options.count("--deadline-us", calls_.deadline_us, 1, 60'000'000,
                      "each call's deadline, in microseconds from its start; what is late is answered by the bundle's "
                      "fallback, and is in 'expired' (default: none)");
        options.choice("--priority", priority_, {"normal", "high"}, "of the calls: normal or high (default normal)");
        options.count("--queue-limit", queue_limit_, 0, 1'000'000,
                      "most calls that wait for a context; more are shed at once to the fallback, and are in "
                      "'overloaded' (default 1024)");
        options.number("--rate", rate_, 0.01, 1e7,
                       "open loop: calls a second over all threads, as a Poisson process; a latency then begins when "
                       "its call is due, be a thread free or not (default: closed loop)");
        options.count("--think-us", think_us_, 1, 60'000'000,
                      "closed loop: the mean pause of a thread between answer and next call, in microseconds "
                      "(exponential; default: none). A thread that sleeps, for this or for --rate, wakes some 10 to "
                      "50 us late where a core is free, and later where none is: see 'start delay' of --rate");
        options.count("--seed", seed_, 0, UINT32_MAX, "of the arrivals and the pauses (default 1)");
        options.number("--seconds", seconds_, 0.01, 86400.0, "measured time, of each count of threads (default 3)");
        options.number("--warm-up", warm_up_, 0.0, 3600.0, "time before it, in seconds (default 0.5)");
        options.negation("--no-join", choice_.join, "run each call that waits for a context by itself");
        choice_.declare_load(options);
        choice_.declare_no_verify(options);
        options.flag("--json", json_, "print JSON");
    }

    int run() override {
        if (rate_ > 0.0 && think_us_)
            throw Failure(exit_usage, "expected --rate (open loop) or --think-us (closed loop), got both");
        if (!choice_.contexts && choice_.devices.empty())
            choice_.contexts = *std::max_element(threads_.begin(), threads_.end());
        if (priority_ == "high") calls_.priority = Priority::high;
        choice_.queue_limit = queue_limit_;
        Engine engine = choice_.engine();
        Model model = choice_.loaded(engine);
        const BenchRows rows(model, input_, choice_.directory);

        watch_interrupt();
        const std::vector<Lap> laps = measure(model, rows);
        if (interrupted()) throw Failure(interrupt_exit(), "ended by " + interrupt_name() + " before its time");
        return report(laps, rows);
    }

  private:
    // Several counts of threads by turns, all of one length.
    std::vector<Lap> measure(const Model &model, const BenchRows &rows) const {
        std::vector<Lap> laps;
        for (const uint32_t threads : threads_) laps.push_back({threads, {}, {}});
        const auto rounds = laps.size() > 1 ? static_cast<uint64_t>(std::ceil(seconds_ / turn_seconds)) : 1;
        const auto later = static_cast<double>(rounds - 1);
        Progress progress(static_cast<double>(laps.size()) * (warm_up_ + seconds_ + later * settling()));
        for (uint64_t round = 0; round < rounds; ++round)
            for (Lap &lap : laps)
                if (!interrupted()) take_turn(model, rows, round, seconds_ / (later + 1.0), lap, progress);
        return laps;
    }

    void take_turn(const Model &model, const BenchRows &rows, uint64_t round, double seconds, Lap &lap,
                   Progress &progress) const {
        const int64_t now = wb_now_ns();
        const int64_t start = now + ns(round ? settling() : warm_up_);
        const int64_t end = start + ns(seconds);
        std::optional<Arrivals> arrivals;
        if (rate_ > 0.0) arrivals.emplace(rate_, seed_of(round, 0), now);  // the same ones for each count of threads
        std::mutex mutex;
        std::exception_ptr error;
        auto work = [&](uint32_t thread) {
            SystemClock clock;
            BenchCaller caller(model, rows, calls_, thread * rows.rows.size() / lap.threads);
            std::optional<Gaps> think;
            if (think_us_) think.emplace(think_us_ * 1000.0, seed_of(round, thread));
            Timing timing;
            run_loop(clock, {arrivals ? &*arrivals : nullptr, think ? &*think : nullptr}, start, end, caller, timing);
            const std::lock_guard lock(mutex);
            lap.timing.add(timing);
            lap.scored.add(caller.scored());
        };
        {
            std::vector<std::jthread> threads;
            for (uint32_t i = 0; i < lap.threads; ++i)
                threads.emplace_back([&, i] {
                    try {
                        work(i);
                    } catch (...) {
                        const std::lock_guard lock(mutex);
                        error = std::current_exception();
                    }
                });
            watch(end, progress);
        }
        if (error) std::rethrow_exception(error);
    }

    // Until the end of a turn, or until interrupted.
    static void watch(int64_t end_ns, Progress &progress) {
        constexpr int64_t step_ns = 250'000'000;
        SystemClock clock;
        for (int64_t now = clock.now_ns(); now < end_ns && clock.wait_until(std::min(end_ns, now + step_ns));
             now = clock.now_ns())
            progress.show_time();
    }

    double settling() const { return std::min(warm_up_, settling_seconds); }

    // Another one for each turn and thread, of which there are at most 256.
    uint64_t seed_of(uint64_t round, uint64_t thread) const { return (uint64_t{seed_} << 32) + (round << 8) + thread; }

    int report(const std::vector<Lap> &laps, const BenchRows &rows) const {
        const bool several = laps.size() > 1;
        Report report = {{"bundle", choice_.directory},
                         {"version", std::string(rows.first.bundle_version())},
                         {"backend", backend_name(rows.first.backend)},
                         {"loop", rate_ > 0.0 ? "open" : "closed"}};
        if (!several) report["threads"] = laps.front().threads;
        if (choice_.devices.empty())
            report["contexts"] = choice_.contexts;
        else
            report["devices"] = choice_.devices;
        report["batch"] = calls_.batch;
        report["distinct_rows"] = rows.rows.size();
        if (calls_.deadline_us) report["deadline_us"] = calls_.deadline_us;
        if (think_us_) report["think_us"] = think_us_;
        if (rate_ > 0.0) report["intended_calls_per_second"] = rate_;
        const double first = rate_of(laps.front().scored.rows);
        for (const Lap &lap : laps) {
            const double rate = rate_of(lap.scored.rows);
            Report line = {{"threads", lap.threads}, {"rows_per_second", rate}, {"relative_rate", rate / first}};
            const Report measured = report_of(lap);
            for (const auto &[name, value] : measured.members()) (several ? line : report)[name] = value;
            if (several) report["by_threads"].push_back(std::move(line));
        }
        print_report(report, json_);
        // A plan gives the same bits each time (in bf16 on each device its own); a score that changed would make the
        // times worthless.
        const bool bf16 = rows.first.precision == WB_PRECISION_BF16 || rows.first.precision == WB_PRECISION_INT8BF16;
        const bool alike = rows.first.numerics && !(bf16 && !choice_.devices.empty());
        for (const Lap &lap : laps)
            if (lap.scored.differing && alike)
                throw Failure(exit_failed, "scores changed between calls of the same rows");
        return exit_ok;
    }

    Report report_of(const Lap &lap) const {
        const Latencies &latencies = lap.timing.latencies, &delays = lap.timing.delays;
        if (!latencies.count()) throw Failure(exit_failed, "no call ended within --seconds");
        Report report = {{"calls", latencies.count()},
                         {"rows", lap.scored.rows},
                         {"fallbacks", lap.scored.fallbacks},
                         {"expired", lap.scored.expired},
                         {"overloaded", lap.scored.overloaded},
                         {"differing", lap.scored.differing},
                         {"latency_us", quantiles(latencies)},
                         {"rows_per_second", rate_of(lap.scored.rows)},
                         {"tokens_per_second", rate_of(lap.scored.tokens)}};
        if (!choice_.devices.empty()) report["gpu_rows"] = lap.scored.on_gpus;
        if (rate_ > 0.0) {
            report["reached_calls_per_second"] = rate_of(latencies.count());
            report["late_calls"] = lap.timing.late;
            report["behind_us"] = us(lap.timing.behind_ns);
            report["start_delay_us"] = quantiles(delays);
        }
        return report;
    }

    static Report quantiles(const Latencies &latencies) {
        return {{"p50", us(latencies.quantile_ns(0.5))},
                {"p90", us(latencies.quantile_ns(0.9))},
                {"p99", us(latencies.quantile_ns(0.99))},
                {"p99.9", us(latencies.quantile_ns(0.999))},
                {"max", us(latencies.max_ns())}};
    }

    double rate_of(uint64_t count) const { return static_cast<double>(count) / seconds_; }

    ModelChoice choice_;
    Input input_;
    std::vector<uint32_t> threads_ = {1};
    BenchCalls calls_;
    std::string priority_ = "normal";
    uint32_t queue_limit_ = 1024;  // the library's default
    uint32_t think_us_ = 0, seed_ = 1;
    double rate_ = 0.0;  // 0: closed loop
    double seconds_ = 3.0, warm_up_ = 0.5;
    bool json_ = false;
};

}  // namespace

std::unique_ptr<Verb> make_bench() { return std::make_unique<Bench>(); }

}  // namespace weighbridge::cli
