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

Progress::Progress()
    : terminal_(isatty(STDERR_FILENO) == 1), begin_ns_(wb_now_ns()), next_ns_(begin_ns_ + interval_ns) {}

Progress::~Progress() {
    if (shown_) std::fputs("\r\033[K", stderr);
}

void Progress::show(uint64_t rows, uint64_t rejected) {
    int64_t now = wb_now_ns();
    if (!terminal_ || now < next_ns_) return;
    next_ns_ = now + interval_ns;
    shown_ = true;
    double seconds = static_cast<double>(now - begin_ns_) * 1e-9;
    std::string line = formatted("\r\033[K{} rows, {:.0f} a second", rows, static_cast<double>(rows) / seconds);
    if (rejected) line += formatted(", {} rejected", rejected);
    std::fputs(line.c_str(), stderr);
    std::fflush(stderr);
}

}  // namespace weighbridge::cli
