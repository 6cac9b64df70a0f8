// SPDX-License-Identifier: Apache-2.0
// What tests tell libcuda_sim.so, beside the driver's own functions: what it counts, and what goes wrong when. All of
// it is for the whole process; reset() between tests.
#pragma once

#include <cstddef>
#include <cstdint>

namespace cuda_sim {

struct Kernel;

#define CUDA_SIM_API __attribute__((visibility("default")))

// Drops every fault, counter and setting, and what devices hold. Two devices are there, of CUDA 13.0.
CUDA_SIM_API void reset();

// The machine, until reset(). A device count of 0 is a driver without devices.
CUDA_SIM_API void set_devices(int count);
CUDA_SIM_API void set_version(int version);
CUDA_SIM_API void set_memory(int device, size_t bytes);
CUDA_SIM_API void set_name(int device, const char *name);
CUDA_SIM_API void set_compute_mode(int device, int mode);      // exclusive: as if another process had it,
CUDA_SIM_API void set_taken(int device, bool taken);           // unless it is not taken
CUDA_SIM_API void set_capability(int device, int capability);  // 90 for 9.0, which it is
// How tensor cores sum (TensorSums): as of Hopper until it is said otherwise.
CUDA_SIM_API void set_tensor_sums(int block, int fraction);

// Faults. The nth call from now on (1 is the next one) gives `result`, and nothing happens: of `function`
// ("cuMemAlloc_v2"), or of any where it is null. A sticky result is the device's from then on. Environment variable
// CUDA_SIM_FAULTS holds the same as "cuMemAlloc_v2:3=2,*:100=700".
CUDA_SIM_API void fail_call(const char *function, uint64_t nth, unsigned result);
// The nth piece of work (kernel, copy or fill) that a device does from now on ends with `result`, after the call that
// asked for it was answered with success.
CUDA_SIM_API void fail_work(int device, uint64_t nth, unsigned result);
// Every call fails from now on, until reset().
CUDA_SIM_API void lose(int device);
// Faults that did not come yet do not.
CUDA_SIM_API void clear_faults();
// Copies take so long at least; nothing of a device that hangs is ever done.
CUDA_SIM_API void set_copy_us(int64_t microseconds);
CUDA_SIM_API void set_hanging(int device, bool hangs);
// Calls of `function` wait from now on, until reset() or until they are let go; and how many do.
CUDA_SIM_API void hold_calls(const char *function);
CUDA_SIM_API void let_calls_go();
CUDA_SIM_API int held_calls();
// Blocks' threads go on in this order: 0 ascending, 1 descending, 2 shuffled.
CUDA_SIM_API void set_order(int order);

CUDA_SIM_API uint64_t calls(const char *function);  // since reset(); null for all
CUDA_SIM_API uint64_t work(int device);
CUDA_SIM_API size_t device_bytes(int device);  // allocated now
CUDA_SIM_API size_t objects();                 // streams, events, graphs, libraries, pinned blocks and contexts, now
CUDA_SIM_API const char *last_fault();         // what the last kernel that failed did wrong, "" for none

// Adds a kernel of a test's own, which must outlive the library's use.
CUDA_SIM_API void add_kernel(const Kernel *kernel);

}  // namespace cuda_sim
