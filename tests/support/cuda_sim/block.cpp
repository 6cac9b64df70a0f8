// SPDX-License-Identifier: Apache-2.0
// Runs the blocks of a grid one after another, and the threads of a block as fibers.
#include <algorithm>
#include <array>
#include <atomic>
#include <memory>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "support/cuda_sim/control.hpp"
#include "support/cuda_sim/fiber.hpp"
#include "support/cuda_sim/launch.hpp"
#include "support/cuda_sim/shim.hpp"

constinit thread_local cuda_sim::Index threadIdx, blockIdx, blockDim, gridDim;

namespace cuda_sim {
namespace {

constexpr unsigned kWarp = 32;
constexpr size_t kGuardBytes = 256;    // behind shared memory
constexpr unsigned char kNaNs = 0xFF;  // bytes of a NaN, and of the integer -1

struct Place {
    const char *file = nullptr;
    int line = 0;
    bool operator==(const Place &) const = default;
};
std::string to_string(const Place &place) { return std::string(place.file) + ":" + std::to_string(place.line); }

struct Copying {
    void *to;
    const void *from;
    int bytes;
    int64_t group;
};

struct Thread {
    enum class State { ready, at_block, at_warp, done };

    Fiber fiber;
    unsigned number = 0;
    State state = State::done;
    Place place;
    int64_t exchanges = 0;
    std::vector<Copying> copies;
    int64_t groups = 0;  // committed
};

struct Warp {
    std::array<std::array<uint32_t, kWarp * kMostWords>, 2> words{};  // by turns: one is read while the other is filled
};

class Block {
  public:
    void run(KernelCall call, const void *argument, const Grid &grid, std::mt19937_64 &random) {
        call_ = call;
        argument_ = argument;
        const unsigned count = grid.threads.x;
        while (threads_.size() < count) threads_.push_back(std::make_unique<Thread>());
        warps_.resize((count + kWarp - 1) / kWarp);
        shared_.assign(grid.shared_bytes + kGuardBytes + 16, kNaNs);
        fault_.clear();
        std::vector<unsigned> order(count);
        std::iota(order.begin(), order.end(), 0u);
        if (grid.order == Order::descending) std::reverse(order.begin(), order.end());
        for (unsigned i = 0; i < count; ++i) begin(i);
        do {
            if (grid.order == Order::shuffled) std::shuffle(order.begin(), order.end(), random);
            for (unsigned i : order) resume(*threads_[i]);
        } while (release(count));
        check_guard(grid.shared_bytes);
    }

    void wait(Thread::State state, Place place) {
        Thread &self = *running_;
        self.state = state;
        self.place = place;
        self.fiber.leave();
    }
    Thread &running() { return *running_; }
    Warp &warp() { return warps_[running_->number / kWarp]; }
    unsigned char *shared() { return shared_.data() + (16 - reinterpret_cast<uintptr_t>(shared_.data()) % 16) % 16; }

  private:
    void begin(unsigned number) {
        Thread &thread = *threads_[number];
        thread.number = number;
        thread.state = Thread::State::ready;
        thread.exchanges = thread.groups = 0;
        thread.copies.clear();
        thread.fiber.start([](void *block) { static_cast<Block *>(block)->body(); }, this);
    }
    // Of a fiber: no exception may leave it.
    void body() {
        try {
            call_(argument_);
        } catch (const std::exception &error) {
            if (fault_.empty()) fault_ = error.what();
        }
        running_->state = Thread::State::done;
    }
    void resume(Thread &thread) {
        if (thread.state != Thread::State::ready) return;
        running_ = &thread;
        threadIdx.x = thread.number;
        thread.fiber.resume();
        if (!fault_.empty()) throw LaunchFault(fault_);
    }

    // Lets warps and the block past barriers that all of them have reached. False once all are done.
    bool release(unsigned count) {
        unsigned done = 0, at_block = 0;
        bool released = false;
        for (unsigned first = 0; first < count; first += kWarp) {
            unsigned at_warp = 0;
            const unsigned last = std::min(count, first + kWarp);
            for (unsigned i = first; i < last; ++i) {
                const Thread &thread = *threads_[i];
                done += thread.state == Thread::State::done;
                at_block += thread.state == Thread::State::at_block && thread.place == threads_[0]->place;
                at_warp += thread.state == Thread::State::at_warp && thread.place == threads_[first]->place;
            }
            if (at_warp == kWarp) released = true, free(first, last);
        }
        if (done == count) return false;
        if (at_block == count) released = true, free(0, count);
        if (!released) throw LaunchFault(stuck(count));
        return true;
    }
    void free(unsigned first, unsigned last) {
        for (unsigned i = first; i < last; ++i) threads_[i]->state = Thread::State::ready;
    }
    std::string stuck(unsigned count) const {
        const Thread *odd = threads_[0].get();
        for (unsigned i = 1; i < count; ++i)
            if (threads_[i]->state != odd->state || !(threads_[i]->place == odd->place)) {
                auto where = [](const Thread &thread) {
                    return "thread " + std::to_string(thread.number) +
                           (thread.state == Thread::State::done ? " has ended"
                                                                : " waits at " + to_string(thread.place));
                };
                return "barriers differ: " + where(*odd) + ", " + where(*threads_[i]);
            }
        return "a warp of less than 32 threads exchanges at " + to_string(odd->place);
    }
    void check_guard(size_t bytes) {
        const unsigned char *end = shared() + bytes;
        if (std::any_of(end, end + kGuardBytes, [](unsigned char byte) { return byte != kNaNs; }))
            throw LaunchFault("shared memory was written behind its " + std::to_string(bytes) + " bytes");
    }

    KernelCall call_ = nullptr;
    const void *argument_ = nullptr;
    std::vector<std::unique_ptr<Thread>> threads_;
    std::vector<Warp> warps_;
    std::vector<unsigned char> shared_;
    Thread *running_ = nullptr;
    std::string fault_;
};

Block &block() {
    static thread_local Block of_this_thread;
    return of_this_thread;
}

}  // namespace

void launch(KernelCall call, const void *argument, const Grid &grid) {
    std::mt19937_64 random(grid.seed);
    blockDim = {grid.threads.x, 1, 1};
    gridDim = {grid.blocks.x, grid.blocks.y, grid.blocks.z};
    for (blockIdx.z = 0; blockIdx.z < grid.blocks.z; ++blockIdx.z)
        for (blockIdx.y = 0; blockIdx.y < grid.blocks.y; ++blockIdx.y)
            for (blockIdx.x = 0; blockIdx.x < grid.blocks.x; ++blockIdx.x) block().run(call, argument, grid, random);
}

void block_barrier(const char *file, int line) { block().wait(Thread::State::at_block, {file, line}); }

const uint32_t *exchange(const uint32_t *words, int count, const char *file, int line) {
    Thread &self = block().running();
    auto &buffer = block().warp().words[static_cast<size_t>(self.exchanges++ % 2)];
    std::copy_n(words, count, buffer.data() + self.number % kWarp * kMostWords);
    block().wait(Thread::State::at_warp, {file, line});
    return buffer.data();
}

unsigned char *shared_memory() { return block().shared(); }

namespace {
std::atomic<weighbridge::lib::TensorSums> sums_of_all;
}
void set_tensor_sums(int block, int fraction) { sums_of_all.store({block, fraction}); }
weighbridge::lib::TensorSums tensor_sums() { return sums_of_all.load(); }

void copy_later(void *to, const void *from, int bytes) {
    for (const void *address : {static_cast<const void *>(to), from})
        if (reinterpret_cast<uintptr_t>(address) % static_cast<unsigned>(bytes) != 0)
            throw LaunchFault("an asynchronous copy of " + std::to_string(bytes) + " bytes is not aligned");
    std::memset(to, kNaNs, static_cast<size_t>(bytes));
    Thread &self = block().running();
    self.copies.push_back({to, from, bytes, self.groups});
}
void commit_copies() { ++block().running().groups; }
void wait_for_copies(int groups_left) {
    Thread &self = block().running();
    auto waited = std::partition_point(self.copies.begin(), self.copies.end(),
                                       [&](const Copying &copy) { return copy.group < self.groups - groups_left; });
    for (auto copy = self.copies.begin(); copy != waited; ++copy)
        std::memcpy(copy->to, copy->from, static_cast<size_t>(copy->bytes));
    self.copies.erase(self.copies.begin(), waited);
}

}  // namespace cuda_sim
