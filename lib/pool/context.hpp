// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/device.hpp"
#include "tensor/tensor.hpp"

namespace weighbridge::lib {

// Scratch memory of one run of a context, used by all models in turn. Grows without waiting, by pushing a larger block
// onto a stack: the present run keeps the block that it began with, the next one uses the new top. Blocks beneath are
// freed when no run uses the arena; runs never allocate.
class Arena {
  public:
    struct Block {
        explicit Block(AlignedBuffer of) : memory(std::move(of)) {}
        AlignedBuffer memory;
        std::unique_ptr<Block> below;
    };

    Arena() = default;
    ~Arena() { delete top_.load(std::memory_order_relaxed); }
    Arena(const Arena &) = delete;
    Arena &operator=(const Arena &) = delete;

    // The top block, nullptr where there is none; valid as long as the caller has the run's lease. A forked child has
    // its parent's blocks.
    AlignedBuffer *block() const {
        Block *top = top_.load(std::memory_order_acquire);
        return top ? &top->memory : nullptr;
    }

    // One thread at a time, while runs may use the arena. A single store, so that a fork sees all of it or nothing.
    void grow(std::unique_ptr<Block> block) {
        block->below.reset(top_.load(std::memory_order_relaxed));
        top_.store(block.release(), std::memory_order_release);
    }
    bool has_replaced() const {
        const Block *top = top_.load(std::memory_order_relaxed);
        return top && top->below;
    }
    // Pops the blocks beneath the top. The caller has the run's lease, and grow() does not run at the same time.
    std::unique_ptr<Block> take_replaced() { return std::move(top_.load(std::memory_order_relaxed)->below); }

  private:
    std::atomic<Block *> top_{nullptr};
};

// One place that runs programs. The lease of one of its runs includes that run's arena.
struct Context {
    Device device;
    int index = 0;                    // in its pool
    std::unique_ptr<Arena[]> arenas;  // one for each run that it holds at once: DeviceContexts
};

// Zeroed memory of a context's device. May throw std::bad_alloc.
using Allocate = AlignedBuffer (*)(size_t bytes);
inline AlignedBuffer allocate_on_cpu(size_t bytes) { return AlignedBuffer(bytes); }

// What a pool is made of.
struct DeviceContexts {
    // With a number alone: that many CPU contexts of one run each.
    DeviceContexts(int number, Device of = {}, int runs_each = 1, Allocate with = allocate_on_cpu)
        : device(of), contexts(number), runs(runs_each), allocate(with) {}
    Device device;
    int contexts;  // at least 1
    int runs;      // that each of them holds at once, at least 1
    Allocate allocate;
};

}  // namespace weighbridge::lib
