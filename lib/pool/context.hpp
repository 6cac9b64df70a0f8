// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "tensor/tensor.hpp"

namespace weighbridge::lib {

// What runs programs.
struct Device {
    enum class Kind : int32_t { cpu };
    Kind kind = Kind::cpu;
    int32_t index = 0;  // among those of its kind
    bool operator==(const Device &) const = default;
};

// The memory of a context's runs, shared by all models, one run at a time. It grows by a larger block that is laid on
// top: a run goes on with the block that was on top when it began, the next one finds the new block. So who grows an
// arena waits for nobody, and who runs in it never allocates. Blocks beneath are freed once nobody runs in the context.
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

    // For who holds the context's lease: stays while he does, though not on top. nullptr where there is none. A forked
    // child finds what its parent had.
    AlignedBuffer *block() const {
        Block *top = top_.load(std::memory_order_acquire);
        return top ? &top->memory : nullptr;
    }

    // One thread at a time, whoever runs in the context: one store, so that a fork cannot catch it halfway.
    void grow(std::unique_ptr<Block> block) {
        block->below.reset(top_.load(std::memory_order_relaxed));
        top_.store(block.release(), std::memory_order_release);
    }
    bool has_replaced() const {
        const Block *top = top_.load(std::memory_order_relaxed);
        return top && top->below;
    }
    // The blocks beneath the top. For who holds the context's lease, one thread at a time with grow().
    std::unique_ptr<Block> take_replaced() { return std::move(top_.load(std::memory_order_relaxed)->below); }

  private:
    std::atomic<Block *> top_{nullptr};
};

// One place that runs programs, one run at a time. Who holds its lease owns the memory of its arena.
struct Context {
    Device device;
    int index = 0;  // in its pool
    Arena arena;
};

// Zeroed memory of a context's device. May throw std::bad_alloc.
using Allocate = AlignedBuffer (*)(size_t bytes);
inline AlignedBuffer allocate_on_cpu(size_t bytes) { return AlignedBuffer(bytes); }

}  // namespace weighbridge::lib
