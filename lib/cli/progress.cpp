// SPDX-License-Identifier: Apache-2.0
#include "cli/progress.hpp"

#include <unistd.h>

#include <cstdio>

#include "cli/text.hpp"
#include "weighbridge/c/base.h"

namespace weighbridge::cli {

namespace {

constexpr int64_t interval_ns = 250'000'000;

}  // namespace

Progress::Progress(double seconds)
    : seconds_(seconds),
      terminal_(isatty(STDERR_FILENO) == 1),
      begin_ns_(wb_now_ns()),
      next_ns_(begin_ns_ + interval_ns) {}

Progress::~Progress() {
    if (shown_) std::fputs("\r\033[K", stderr);
}

bool Progress::is_due() {
    const int64_t now = wb_now_ns();
    if (!terminal_ || now < next_ns_) return false;
    next_ns_ = now + interval_ns;
    return true;
}

void Progress::print(const std::string &line) {
    shown_ = true;
    std::fputs(("\r\033[K" + line).c_str(), stderr);
    std::fflush(stderr);
}

double Progress::gone_seconds() const { return static_cast<double>(wb_now_ns() - begin_ns_) * 1e-9; }

void Progress::show(uint64_t rows, uint64_t rejected) {
    if (!is_due()) return;
    std::string line = formatted("{} rows, {:.0f} a second", rows, static_cast<double>(rows) / gone_seconds());
    if (rejected) line += formatted(", {} rejected", rejected);
    print(line);
}

void Progress::show_time() {
    if (is_due()) print(formatted("{:.1f} of {:.1f} s", gone_seconds(), seconds_));
}

}  // namespace weighbridge::cli
