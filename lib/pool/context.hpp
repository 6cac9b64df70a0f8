// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/device.hpp"
#include "tensor/tensor.hpp"

namespace weighbridge::lib {

// The memory of one of the runs that a context holds at once, shared by all models. It grows by a larger block that is
// laid on top: a run goes on with the block that was on top when it began, the next one finds the new block. So who
// grows an arena waits for nobody, and who runs in it never allocates. Blocks beneath are freed once nobody runs in the
// context.
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

    // For who holds the run's lease: stays while he does, though not on top. nullptr where there is none. A forked
    // child finds what its parent had.
    AlignedBuffer *block() const {
        Block *top = top_.load(std::memory_order_acquire);
        return top ? &top->memory : nullptr;
    }

    // One thread at a time, whoever runs in it: one store, so that a fork cannot catch it halfway.
    void grow(std::unique_ptr<Block> block) {
        block->below.reset(top_.load(std::memory_order_relaxed));
        top_.store(block.release(), std::memory_order_release);
    }
    bool has_replaced() const {
        const Block *top = top_.load(std::memory_order_relaxed);
        return top && top->below;
    }
    // The blocks beneath the top. For who holds the run's lease, one thread at a time with grow().
    std::unique_ptr<Block> take_replaced() { return std::move(top_.load(std::memory_order_relaxed)->below); }

  private:
    std::atomic<Block *> top_{nullptr};
};

// One place that runs programs. Who holds a lease of one of its runs owns the memory of that run's arena.
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
    // A number alone is so many contexts of the CPU.
    DeviceContexts(int number, Device of = {}, int runs_each = 1, Allocate with = allocate_on_cpu)
        : device(of), contexts(number), runs(runs_each), allocate(with) {}
    Device device;
    int contexts;  // at least 1
    int runs;      // that each of them holds at once, at least 1
    Allocate allocate;
};

}  // namespace weighbridge::lib
