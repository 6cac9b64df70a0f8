// SPDX-License-Identifier: Apache-2.0
// weighbridge-importer PARENT: started by the library, with orders at descriptor 3 and replies at 4, as
// isolation/wire.hpp has them. Reads TorchScript where it can harm nobody.
#include <pthread.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <optional>
#include <vector>

#include "importer/sandbox.hpp"
#include "importer/service.hpp"

namespace {

using namespace weighbridge::lib;

constexpr int kOrders = 3, kReplies = 4;
// As the library's own thread for LibTorch has it: its parsers recurse by a module's nesting.
constexpr size_t kStackBytes = size_t{64} << 20;

void write_all(ByteView bytes) {
    while (!bytes.empty()) {
        const ssize_t written = ::write(kReplies, bytes.data(), bytes.size());
        if (written < 0 && errno != EINTR) ::_exit(1);  // nobody listens any more
        if (written > 0) bytes = bytes.subspan(static_cast<size_t>(written));
    }
}

void say(int32_t code, ByteView body) {
    const WireHead head = wire_head(WireKind::reply, code, body.size());
    write_all({reinterpret_cast<const std::byte *>(&head), sizeof head});
    write_all(body);
    write_all(as_bytes({kWireTrailer, sizeof kWireTrailer}));
}

// The next order. Where the pipe closes there is none: whoever started this process has ended, or wants it to.
WireReader next_order() {
    WireReader reader(~uint64_t{0});
    // No larger than what is missing: the byte behind an order belongs to the next one, which comes after a reply.
    std::vector<std::byte> buffer(256 << 10);
    while (!reader.done()) {
        const ssize_t came = ::read(kOrders, buffer.data(), buffer.size());
        if (came < 0 && errno == EINTR) continue;
        if (came <= 0 || !reader.take({buffer.data(), static_cast<size_t>(came)}).ok()) ::_exit(0);
    }
    return reader;
}

// Orders for the thread with the large stack. The main thread reads the next one meanwhile, so that it sees the pipe
// close whatever LibTorch is doing.
class Desk {
  public:
    void put(WireKind kind, Bytes body) {
        const std::lock_guard lock(mutex_);
        if (order_) ::_exit(1);  // a second order before the first one's reply
        order_.emplace(Order{kind, std::move(body)});
        changed_.notify_one();
    }

    // What the worker's preparation came to; waits for it.
    Status prepared() {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return prepared_.has_value(); });
        return *prepared_;
    }

    void work(const ImporterStart &start) {
        ImporterService service;
        {
            const Status status = service.open(start);
            const std::lock_guard lock(mutex_);
            prepared_ = status;
            changed_.notify_one();
        }
        for (;;) {
            std::unique_lock lock(mutex_);
            changed_.wait(lock, [&] { return order_.has_value(); });
            Order order = std::move(*order_);
            lock.unlock();
            const ImporterReply reply = service.perform(order.kind, order.body);
            lock.lock();
            order_.reset();
            lock.unlock();
            say(reply.code, reply.body);
        }
    }

  private:
    struct Order {
        WireKind kind;
        Bytes body;
    };
    std::mutex mutex_;
    std::condition_variable changed_;
    std::optional<Order> order_;  // until its reply is known
    std::optional<Status> prepared_;
};

struct Worker {
    Desk desk;
    ImporterStart start;
    static void *main(void *self) {
        auto &worker = *static_cast<Worker *>(self);
        worker.desk.work(worker.start);
        return nullptr;
    }
};

[[noreturn]] void refuse(const Status &status) {
    say(status.code, as_bytes(status.message));
    ::_exit(0);
}

Status start_thread(Worker &worker) {
    pthread_attr_t attributes;
    pthread_t thread;
    int failed = ::pthread_attr_init(&attributes);
    if (!failed) failed = ::pthread_attr_setstacksize(&attributes, kStackBytes);
    if (!failed) failed = ::pthread_create(&thread, &attributes, &Worker::main, &worker);
    return failed
               ? Status::failure(WB_BACKEND_UNAVAILABLE, "a thread with a stack of 64 MB: {}", strerrordesc_np(failed))
               : Status();
}

}  // namespace

int main(int argc, char **argv) {
    if (argc != 2) {
        std::fputs("weighbridge-importer is started by libweighbridge, which reads TorchScript through it\n", stderr);
        return 2;
    }
    confine_process(std::atoi(argv[1]));
    static Worker &worker = *new Worker;  // never destroyed: its thread uses it until the process ends
    WireReader first = next_order();
    const Bytes body = first.take_body();
    auto start = read_start(body);
    if (!start) refuse(start.status());
    worker.start = *std::move(start);
    if (Status status = start_thread(worker); !status.ok()) refuse(status);
    if (Status status = worker.desk.prepared(); !status.ok()) refuse(status);
    const ImporterStart &asked = worker.start;
    if (Status status = enter_sandbox(asked.memory_bytes, asked.cpu_s, asked.strict); !status.ok()) refuse(status);
    say(WB_OK, as_bytes(importer_version()));
    for (;;) {
        WireReader order = next_order();
        worker.desk.put(order.kind(), order.take_body());
    }
}
