// SPDX-License-Identifier: Apache-2.0
#include "support/cuda_sim/machine.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <new>
#include <sstream>

#include "support/cuda_sim/control.hpp"

namespace cuda_sim {

GuardedMemory::GuardedMemory(size_t bytes) : bytes_(bytes) {
    const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    const size_t aligned = (bytes + 255) / 256 * 256;  // as cuMemAlloc aligns; the end is as near the page as that lets
    room_ = (aligned + page - 1) / page * page;
    mapped_ = room_ + 2 * page;
    void *map = mmap(nullptr, mapped_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (map == MAP_FAILED) throw std::bad_alloc();
    map_ = static_cast<std::byte *>(map) + page;
    data_ = map_ + (room_ - aligned);
    open(true);
    std::memset(map_, 0xff, room_);
}

GuardedMemory::~GuardedMemory() {
    const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    if (map_) munmap(map_ - page, mapped_);
}

void GuardedMemory::open(bool opened) const {
    if (mprotect(map_, room_, opened ? PROT_READ | PROT_WRITE : PROT_NONE) != 0) abort();
}

Machine &Machine::get() {
    static Machine *machine = [] {
        auto *made = new Machine;  // never destroyed: what a test leaves behind may outlive static destructors
        made->reset();
        made->read_environment();
        return made;
    }();
    return *machine;
}

void Machine::reset() {
    for (const auto &[handle, stream] : streams) stream->tasks.clear();
    streams.clear();
    events.clear();
    graphs.clear();
    execs.clear();
    libraries.clear();
    kernels.clear();
    pinned.clear();
    captures.clear();
    counts.clear();
    faults.clear();
    devices.clear();
    for (int i = 0; i < 2; ++i) {
        devices.push_back(std::make_unique<Device>());
        devices.back()->ordinal = i;
    }
    version = 13000;
    copy_us = 0;
    order = Order::ascending;
    last_fault.clear();
    set_tensor_sums(16, 25);
    held_function.clear();
    let_go.notify_all();
}

// "cuMemAlloc_v2:3=2,*:100=700"
void Machine::read_environment() {
    const char *text = std::getenv("CUDA_SIM_FAULTS");
    std::istringstream entries(text ? text : "");
    for (std::string entry; std::getline(entries, entry, ',');) {
        const size_t colon = entry.find(':'), equals = entry.find('=');
        if (colon == std::string::npos || equals == std::string::npos || equals < colon) continue;
        const std::string function = entry.substr(0, colon);
        faults[{function == "*" ? "" : function, std::strtoull(entry.c_str() + colon + 1, nullptr, 10)}] =
            static_cast<Result>(std::strtoul(entry.c_str() + equals + 1, nullptr, 10));
    }
}

void Machine::do_work(Device &device, const Task &task) {
    ++device.work;
    if (auto fault = device.work_faults.find(device.work); fault != device.work_faults.end()) {
        device.sticky = fault->second;
        return;
    }
    for (const auto &[place, block] : device.blocks) block->open(true);
    try {
        task.run();
    } catch (const LaunchFault &fault) {
        last_fault = fault.what();
        device.sticky = kLaunchFailed;
    }
    for (const auto &[place, block] : device.blocks) block->open(false);
}

bool Machine::progress(Stream &stream) {
    Device &device = *stream.device;
    while (!stream.tasks.empty()) {
        if (device.sticky != kSuccess) {  // nothing is done any more, and nobody waits for it
            for (const Task &task : stream.tasks)
                if (task.kind == Task::Kind::record) task.event->done = task.ticket;
            stream.tasks.clear();
            return true;
        }
        if (device.hangs) return false;
        Task &task = stream.tasks.front();
        switch (task.kind) {
            case Task::Kind::record:
                task.event->done = std::max(task.event->done, task.ticket);
                task.event->time = Clock::now();
                break;
            case Task::Kind::wait:
                if (task.event->done < task.ticket && task.event->stream && task.event->stream.get() != &stream)
                    progress(*task.event->stream);
                if (task.event->done < task.ticket) return false;
                break;
            case Task::Kind::copy:
                if (copy_us > 0) {
                    if (task.ready == Clock::time_point{})
                        task.ready = Clock::now() + std::chrono::microseconds(copy_us);
                    if (Clock::now() < task.ready) return false;
                }
                do_work(device, task);
                break;
            case Task::Kind::work:
                do_work(device, task);
                break;
        }
        stream.tasks.pop_front();
    }
    return true;
}

void Machine::finish(std::unique_lock<std::mutex> &lock, const std::shared_ptr<Stream> &stream) {
    while (!progress(*stream)) {
        lock.unlock();
        std::this_thread::sleep_for(std::chrono::microseconds(50));
        lock.lock();
    }
}

namespace {
Machine &locked(std::unique_lock<std::mutex> &lock) {
    Machine &machine = Machine::get();
    lock = std::unique_lock(machine.mutex);
    return machine;
}
}  // namespace

void reset() {
    std::unique_lock<std::mutex> lock;
    locked(lock).reset();
}
void set_devices(int count) {
    std::unique_lock<std::mutex> lock;
    Machine &machine = locked(lock);
    while (machine.devices.size() > static_cast<size_t>(count)) machine.devices.pop_back();
    while (machine.devices.size() < static_cast<size_t>(count)) {
        machine.devices.push_back(std::make_unique<Device>());
        machine.devices.back()->ordinal = static_cast<int>(machine.devices.size()) - 1;
    }
}
void set_version(int version) {
    std::unique_lock<std::mutex> lock;
    locked(lock).version = version;
}
void set_memory(int device, size_t bytes) {
    std::unique_lock<std::mutex> lock;
    locked(lock).device(device).memory = bytes;
}
void set_compute_mode(int device, int mode) {
    std::unique_lock<std::mutex> lock;
    locked(lock).device(device).compute_mode = mode;
}
void set_name(int device, const char *name) {
    std::unique_lock<std::mutex> lock;
    locked(lock).device(device).name = name;
}
void set_taken(int device, bool taken) {
    std::unique_lock<std::mutex> lock;
    locked(lock).device(device).taken = taken;
}
void set_capability(int device, int capability) {
    std::unique_lock<std::mutex> lock;
    locked(lock).device(device).capability = capability;
}
void fail_call(const char *function, uint64_t nth, unsigned result) {
    std::unique_lock<std::mutex> lock;
    Machine &machine = locked(lock);
    const std::string name = function ? function : "";
    machine.faults[{name, machine.counts[name] + nth}] = static_cast<Result>(result);
}
void fail_work(int device, uint64_t nth, unsigned result) {
    std::unique_lock<std::mutex> lock;
    Device &of = locked(lock).device(device);
    of.work_faults[of.work + nth] = static_cast<Result>(result);
}
void lose(int device) {
    std::unique_lock<std::mutex> lock;
    Device &of = locked(lock).device(device);
    of.lost = true;
    of.sticky = kUnknown;
}
void clear_faults() {
    std::unique_lock<std::mutex> lock;
    Machine &machine = locked(lock);
    machine.faults.clear();
    for (const auto &device : machine.devices) device->work_faults.clear();
}
void set_copy_us(int64_t microseconds) {
    std::unique_lock<std::mutex> lock;
    locked(lock).copy_us = microseconds;
}
void set_hanging(int device, bool hangs) {
    std::unique_lock<std::mutex> lock;
    locked(lock).device(device).hangs = hangs;
}
void hold_calls(const char *function) {
    std::unique_lock<std::mutex> lock;
    Machine &machine = locked(lock);
    machine.held_function = function;
    machine.let_go.notify_all();
}
void let_calls_go() { hold_calls(""); }
int held_calls() {
    std::unique_lock<std::mutex> lock;
    return locked(lock).held;
}
void set_order(int order) {
    std::unique_lock<std::mutex> lock;
    locked(lock).order = static_cast<Order>(order);
}
uint64_t calls(const char *function) {
    std::unique_lock<std::mutex> lock;
    return locked(lock).counts[function ? function : ""];
}
uint64_t work(int device) {
    std::unique_lock<std::mutex> lock;
    return locked(lock).device(device).work;
}
size_t device_bytes(int device) {
    std::unique_lock<std::mutex> lock;
    return locked(lock).device(device).allocated;
}
size_t objects() {
    std::unique_lock<std::mutex> lock;
    Machine &machine = locked(lock);
    size_t contexts = 0;
    for (const auto &device : machine.devices) contexts += static_cast<size_t>(device->retained);
    return machine.streams.size() + machine.events.size() + machine.graphs.size() + machine.execs.size() +
           machine.libraries.size() + machine.pinned.size() + contexts;
}
const char *last_fault() {
    static thread_local std::string text;
    std::unique_lock<std::mutex> lock;
    text = locked(lock).last_fault;
    return text.c_str();
}
void add_kernel(const Kernel *kernel) {
    std::unique_lock<std::mutex> lock;
    locked(lock).own_kernels[kernel->name] = kernel;
}

}  // namespace cuda_sim
