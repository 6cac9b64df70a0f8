// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

namespace cuda_sim {

// A stack of its own that runs `body` and is left and entered again by switches. Used by one thread at a time.
class Fiber {
  public:
    using Body = void (*)(void *argument);

    Fiber();
    ~Fiber();
    Fiber(const Fiber &) = delete;
    Fiber &operator=(const Fiber &) = delete;

    void start(Body body, void *argument);  // the next resume() enters it; what it did before is forgotten
    void resume();                          // returns when it leaves; not called once its body has returned
    void leave();                           // from inside: back to resume()'s caller

  private:
    static void enter(Fiber *fiber);
    static void enter_halves(unsigned high, unsigned low);  // where ucontext passes ints only

    unsigned char *stack_;
    void *inside_ = nullptr, *outside_ = nullptr;  // saved stack pointers
    Body body_ = nullptr;
    void *argument_ = nullptr;
    // Of the sanitizers, null without them.
    void *inside_fake_ = nullptr, *outside_fake_ = nullptr;
    const void *outside_stack_ = nullptr;
    size_t outside_size_ = 0;
    void *thread_ = nullptr, *outside_thread_ = nullptr;
};

}  // namespace cuda_sim
