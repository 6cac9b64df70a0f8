// SPDX-License-Identifier: Apache-2.0
#include "base/fork.hpp"

#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/unload.hpp"

namespace weighbridge::lib {
namespace {

using Word = std::atomic<uint64_t>;
static_assert(Word::is_always_lock_free);

// The last number given out, in memory that a fork copies: a child goes on from its parent's.
constinit Word last_epoch{0};
constinit Word plain_word{0};  // stands in for the page where the kernel cannot wipe one
constinit std::atomic<Word *> epoch_word{nullptr};

size_t page_bytes() { return static_cast<size_t>(sysconf(_SC_PAGESIZE)); }

void forget_epoch() { plain_word.store(0, std::memory_order_relaxed); }

Word *make_epoch_word() {
    const size_t bytes = page_bytes();
    void *page = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    bool wiped = page != MAP_FAILED && madvise(page, bytes, MADV_WIPEONFORK) == 0;
    if (page != MAP_FAILED && !wiped) munmap(page, bytes);
    // Two threads may both register the handler: it does no harm twice.
    if (!wiped) pthread_atfork(nullptr, nullptr, forget_epoch);
    Word *made = wiped ? static_cast<Word *>(page) : &plain_word;  // zeroed memory is a valid atomic 0
    watch_for_exit();
    Word *winner = nullptr;
    if (epoch_word.compare_exchange_strong(winner, made, std::memory_order_acq_rel)) return made;
    if (wiped) munmap(page, bytes);
    return winner;
}

__attribute__((destructor)) void unmap_epoch_word() {
    Word *word = epoch_word.load(std::memory_order_relaxed);
    if (word && word != &plain_word && unloading()) munmap(word, page_bytes());
}

constexpr uint64_t kRenewing = uint64_t{1} << 63;
constexpr long kRenewalPollNs = 20'000;  // a renewal takes tens of nanoseconds unless its thread is descheduled

}  // namespace

uint64_t fork_epoch() {
    Word *word = epoch_word.load(std::memory_order_acquire);
    if (!word) [[unlikely]]
        word = make_epoch_word();
    uint64_t epoch = word->load(std::memory_order_acquire);
    if (epoch != 0) [[likely]]
        return epoch;
    // The number is taken before it is published, so that a fork in between cannot give it to a grandchild as well.
    uint64_t fresh = last_epoch.fetch_add(1, std::memory_order_relaxed) + 1;
    return word->compare_exchange_strong(epoch, fresh, std::memory_order_acq_rel) ? fresh : epoch;
}

bool ForkGuard::claim(uint64_t epoch) {
    uint64_t seen = epoch_.load(std::memory_order_acquire);
    while (seen != epoch) {
        if (seen == (epoch | kRenewing)) {
            timespec pause{0, kRenewalPollNs};
            nanosleep(&pause, nullptr);
            seen = epoch_.load(std::memory_order_acquire);
        } else if (epoch_.compare_exchange_weak(seen, epoch | kRenewing, std::memory_order_acq_rel)) {
            return true;
        }
    }
    return false;
}

void ForkMutex::renew() {
    guard_.refresh([this] { pthread_mutex_init(&mutex_, nullptr); });
}

void ForkMutex::lock() {
    renew();
    pthread_mutex_lock(&mutex_);
}

bool ForkMutex::try_lock() {
    renew();
    return pthread_mutex_trylock(&mutex_) == 0;
}

void ForkMutex::unlock() { pthread_mutex_unlock(&mutex_); }

namespace {

void make_condition(pthread_cond_t &condition) {
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&condition, &attributes);
    pthread_condattr_destroy(&attributes);
}

}  // namespace

Condition::Condition() { make_condition(condition_); }

Condition::~Condition() {
    // glibc waits here for waiters to leave; a parent's never would.
    if (guard_.current()) pthread_cond_destroy(&condition_);
}

void Condition::renew() {
    guard_.refresh([this] { make_condition(condition_); });
}

void Condition::notify_one() {
    renew();
    pthread_cond_signal(&condition_);
}

void Condition::notify_all() {
    renew();
    pthread_cond_broadcast(&condition_);
}

void Condition::wait_until(ForkMutex &mutex, int64_t deadline_ns) {
    renew();
    if (deadline_ns == WB_NO_DEADLINE) {
        pthread_cond_wait(&condition_, mutex.native());
        return;
    }
    int64_t at_ns = deadline_ns > 0 ? deadline_ns : 0;
    timespec until{at_ns / 1'000'000'000, at_ns % 1'000'000'000};
    pthread_cond_timedwait(&condition_, mutex.native(), &until);
}

}  // namespace weighbridge::lib
