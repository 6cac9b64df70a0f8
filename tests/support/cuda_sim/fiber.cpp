// SPDX-License-Identifier: Apache-2.0
#include "support/cuda_sim/fiber.hpp"

#include <sys/mman.h>

#include <cstdint>
#include <new>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef __SANITIZE_THREAD__
#include <sanitizer/tsan_interface.h>
#endif

#if !defined(__x86_64__)
#include <ucontext.h>
#endif

namespace cuda_sim {

constexpr size_t kStackBytes = size_t{256} << 10;  // a sanitizer's frames are large; untouched pages cost nothing

#if defined(__x86_64__)
// Keeps what a call must preserve on the stack that it leaves (System V ABI), and takes it from the one that it enters.
asm(R"(
    .text
    .type cuda_sim_switch, @function
cuda_sim_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
    .type cuda_sim_begin, @function
cuda_sim_begin:
    movq %r12, %rdi
    callq *%r13
    ud2
)");
extern "C" void cuda_sim_switch(void **from, void *to);
extern "C" void cuda_sim_begin();

static void *prepared(unsigned char *stack, void (*enter)(Fiber *), Fiber *fiber) {
    void **frame = reinterpret_cast<void **>(stack + kStackBytes) - 9;
    frame[2] = reinterpret_cast<void *>(enter);           // r13
    frame[3] = fiber;                                     // r12
    frame[6] = reinterpret_cast<void *>(cuda_sim_begin);  // where the first switch returns to
    return frame;
}
#else
static void cuda_sim_switch(void **from, void *to) {
    ucontext_t here;
    *from = &here;
    swapcontext(&here, static_cast<ucontext_t *>(to));
}
#endif

Fiber::Fiber()
    : stack_(static_cast<unsigned char *>(
          mmap(nullptr, kStackBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0))) {
    if (stack_ == MAP_FAILED) throw std::bad_alloc();
#ifdef __SANITIZE_THREAD__
    thread_ = __tsan_create_fiber(0);
#endif
}

Fiber::~Fiber() {
#ifdef __SANITIZE_THREAD__
    __tsan_destroy_fiber(thread_);
#endif
    munmap(stack_, kStackBytes);
}

void Fiber::start(Body body, void *argument) {
    body_ = body;
    argument_ = argument;
    inside_fake_ = nullptr;
#ifdef __SANITIZE_ADDRESS__
    __asan_unpoison_memory_region(stack_, kStackBytes);
#endif
#if defined(__x86_64__)
    inside_ = prepared(stack_, &Fiber::enter, this);
#else
    auto *context = reinterpret_cast<ucontext_t *>(stack_);  // below what the stack grows to
    getcontext(context);
    context->uc_stack.ss_sp = stack_ + sizeof(ucontext_t);
    context->uc_stack.ss_size = kStackBytes - sizeof(ucontext_t);
    const auto address = reinterpret_cast<uintptr_t>(this);
    makecontext(context, reinterpret_cast<void (*)()>(&Fiber::enter_halves), 2, static_cast<unsigned>(address >> 32),
                static_cast<unsigned>(address));
    inside_ = context;
#endif
}

#if !defined(__x86_64__)
void Fiber::enter_halves(unsigned high, unsigned low) { enter(reinterpret_cast<Fiber *>(uintptr_t{high} << 32 | low)); }
#endif

void Fiber::enter(Fiber *fiber) {
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_finish_switch_fiber(nullptr, &fiber->outside_stack_, &fiber->outside_size_);
#endif
    fiber->body_(fiber->argument_);
    fiber->body_ = nullptr;
    fiber->leave();
}

void Fiber::resume() {
#ifdef __SANITIZE_THREAD__
    outside_thread_ = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(thread_, 0);
#endif
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_start_switch_fiber(&outside_fake_, stack_, kStackBytes);
#endif
    cuda_sim_switch(&outside_, inside_);
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_finish_switch_fiber(outside_fake_, nullptr, nullptr);
#endif
}

void Fiber::leave() {
#ifdef __SANITIZE_THREAD__
    __tsan_switch_to_fiber(outside_thread_, 0);
#endif
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_start_switch_fiber(body_ ? &inside_fake_ : nullptr, outside_stack_, outside_size_);
#endif
    cuda_sim_switch(&inside_, outside_);
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_finish_switch_fiber(inside_fake_, &outside_stack_, &outside_size_);
#endif
}

}  // namespace cuda_sim
