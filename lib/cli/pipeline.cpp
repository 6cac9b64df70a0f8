// SPDX-License-Identifier: Apache-2.0
#include "cli/pipeline.hpp"

#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>

#include "cli/interrupt.hpp"

namespace weighbridge::cli {

namespace {

struct Job {
    Chunk chunk;
    bool finished = false;  // guarded by Shared::mutex
};

class Shared {
  public:
    // The next job to work on, nullptr once closed.
    Job *take() {
        std::unique_lock lock(mutex_);
        work_.wait(lock, [&] { return closed_ || !waiting_.empty(); });
        if (waiting_.empty()) return nullptr;
        Job *job = waiting_.front();
        waiting_.pop_front();
        return job;
    }

    void put(Job *job) {
        std::lock_guard lock(mutex_);
        waiting_.push_back(job);
        work_.notify_one();
    }

    void finish(Job *job) {
        std::lock_guard lock(mutex_);
        job->finished = true;
        ready_.notify_one();
    }

    void fail(std::exception_ptr error) {
        std::lock_guard lock(mutex_);
        if (!error_) error_ = std::move(error);
        ready_.notify_one();
    }

    // Waits until the job is finished; throws what a worker threw.
    void wait(const Job &job) {
        std::unique_lock lock(mutex_);
        ready_.wait(lock, [&] { return job.finished || error_; });
        if (error_) std::rethrow_exception(error_);
    }

    // Forgets the jobs that wait.
    void close() {
        std::lock_guard lock(mutex_);
        closed_ = true;
        waiting_.clear();
        work_.notify_all();
    }

  private:
    std::mutex mutex_;
    std::condition_variable work_, ready_;
    std::deque<Job *> waiting_;  // guarded by mutex_, as are the next two
    bool closed_ = false;
    std::exception_ptr error_;
};

// Closes and joins whatever way the pipeline ends.
class Threads {
  public:
    Threads(Shared &shared, unsigned count, const std::function<Worker()> &make_worker) : shared_(shared) {
        try {
            while (threads_.size() < count) threads_.emplace_back([this, &make_worker] { work(make_worker); });
        } catch (...) {
            end();
            throw;
        }
    }
    ~Threads() { end(); }
    Threads(const Threads &) = delete;
    Threads &operator=(const Threads &) = delete;

  private:
    void work(const std::function<Worker()> &make_worker) {
        try {
            Worker worker = make_worker();
            while (Job *job = shared_.take()) {
                worker(job->chunk);
                shared_.finish(job);
            }
        } catch (...) {
            shared_.fail(std::current_exception());
        }
    }

    void end() {
        shared_.close();
        for (std::thread &thread : threads_) thread.join();
    }

    Shared &shared_;
    std::vector<std::thread> threads_;
};

}  // namespace

void run_pipeline(RecordReader &reader, unsigned threads, size_t chunk_rows, const std::function<Worker()> &make_worker,
                  const std::function<void(Chunk &)> &done) {
    std::deque<std::unique_ptr<Job>> jobs;  // in the order of the file; outlives the threads that work on them
    Shared shared;
    Threads workers(shared, threads, make_worker);
    bool more = true;
    for (;;) {
        while (more && jobs.size() < 2 * size_t{threads} + 1) {
            auto job = std::make_unique<Job>();
            Record record;
            while (job->chunk.records.size() < chunk_rows && (more = reader.next(record)))
                job->chunk.records.push_back(std::move(record));
            if (job->chunk.records.empty()) break;
            jobs.push_back(std::move(job));
            shared.put(jobs.back().get());
        }
        if (jobs.empty()) return;
        shared.wait(*jobs.front());
        done(jobs.front()->chunk);
        if (jobs.front()->chunk.cut) return;
        jobs.pop_front();
    }
}

}  // namespace weighbridge::cli
