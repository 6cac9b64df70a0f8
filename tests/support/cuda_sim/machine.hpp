// SPDX-License-Identifier: Apache-2.0
// The simulated machine behind libcuda_sim.so: devices whose streams do their work late, in the thread that waits for
// it, so that what reads a result too early, or changes what a copy still needs, is seen in every run.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "backend/cuda/driver_api.hpp"
#include "support/cuda_sim/kernels.hpp"

namespace cuda_sim {

using namespace weighbridge::lib::cuda;
using Clock = std::chrono::steady_clock;

struct Device;
struct Stream;

// Memory between two pages that nobody may touch. A device's can be touched only while the machine works.
class GuardedMemory {
  public:
    explicit GuardedMemory(size_t bytes);  // throws std::bad_alloc; full of NaN
    ~GuardedMemory();
    GuardedMemory(const GuardedMemory &) = delete;
    GuardedMemory &operator=(const GuardedMemory &) = delete;

    std::byte *data() const { return data_; }
    size_t bytes() const { return bytes_; }
    void open(bool opened) const;

  private:
    std::byte *map_ = nullptr;
    std::byte *data_ = nullptr;
    size_t mapped_ = 0, room_ = 0, bytes_ = 0;
};

struct Event {
    Device *device = nullptr;
    bool timed = true;
    uint64_t recorded = 0, done = 0;  // tickets
    Clock::time_point time{};
    std::shared_ptr<Stream> stream;  // that it was last recorded in
    Stream *captured_in = nullptr;   // or the stream of a capture
};

struct Task {
    enum class Kind { work, copy, record, wait };
    Kind kind = Kind::work;
    std::function<void()> run;     // throws LaunchFault
    std::shared_ptr<Event> event;  // of record and wait
    uint64_t ticket = 0;
    Clock::time_point ready{};  // of a copy, once it has begun
};

struct Graph {
    std::vector<Task> tasks;  // in an order that their edges allow
};

struct Capture {
    CaptureMode mode = kCaptureGlobal;
    std::thread::id thread;
    Stream *origin = nullptr;
    bool invalid = false;
    std::set<Stream *> apart;  // streams with work that the origin does not wait for
    Graph graph;
};

struct Stream {
    Device *device = nullptr;
    std::deque<Task> tasks;
    std::shared_ptr<Capture> capture;
};

struct Device {
    int ordinal = 0;
    size_t memory = size_t{1} << 32;
    std::string name = "simulated GPU";
    int compute_mode = 0, capability = 90;
    bool taken = true;  // by another process, in an exclusive mode
    bool lost = false, hangs = false;
    Result sticky = kSuccess;
    int retained = 0;  // of the primary context
    uint64_t work = 0;
    size_t allocated = 0;
    std::map<DevicePointer, std::unique_ptr<GuardedMemory>> blocks;
    std::map<uint64_t, Result> work_faults;  // by count of work
};

// Everything, under one mutex.
struct Machine {
    static Machine &get();
    void reset();

    Device &device(int ordinal) { return *devices.at(static_cast<size_t>(ordinal)); }
    // Does what a stream's tasks allow now. False where one must be waited for.
    bool progress(Stream &stream);
    void finish(std::unique_lock<std::mutex> &lock, const std::shared_ptr<Stream> &stream);
    void do_work(Device &device, const Task &task);
    void read_environment();

    std::mutex mutex;
    std::vector<std::unique_ptr<Device>> devices;
    std::map<StreamHandle, std::shared_ptr<Stream>> streams;
    std::map<EventHandle, std::shared_ptr<Event>> events;
    std::map<GraphHandle, std::unique_ptr<Graph>> graphs;
    std::map<GraphExecHandle, std::pair<Device *, Graph>> execs;
    std::map<LibraryHandle, Device *> libraries;
    std::map<KernelHandle, std::pair<const Kernel *, int64_t>> kernels;  // and its most shared memory
    std::map<void *, std::unique_ptr<GuardedMemory>> pinned;
    std::map<std::string, const Kernel *, std::less<>> own_kernels;
    std::vector<std::weak_ptr<Capture>> captures;

    int version = 13000;
    int64_t copy_us = 0;
    Order order = Order::ascending;
    uint64_t seed = 1;
    std::string last_fault;
    pid_t initialised_in = 0;
    std::map<std::string, uint64_t, std::less<>> counts;  // calls by function, and "" of all
    std::map<std::pair<std::string, uint64_t>, Result> faults;
    std::string held_function;  // empty: none
    int held = 0;
    std::condition_variable let_go;
};

}  // namespace cuda_sim
