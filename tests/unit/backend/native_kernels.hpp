// SPDX-License-Identifier: Apache-2.0
// What the tests of the native kernels share.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "backend/native/kernels.hpp"

namespace native_kernels {

namespace native = weighbridge::lib::native;

struct Tested {
    std::string name;
    const native::Kernels *kernels;
    const char *(*fault)() = nullptr;  // what a call did wrong with emulated tiles, or null
};

// Every level that this CPU runs, and the AVX-512 ones through SIMDe. What cannot run is said once on stdout.
const std::vector<Tested> &tested_levels();

// Elements that end where a page begins which must not be touched, or start where one ends.
template <class T>
class Guarded {
  public:
    explicit Guarded(int64_t count, bool at_end = true) : count_(count) {
        const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE)), bytes = static_cast<size_t>(count) * sizeof(T);
        size_ = (bytes + page - 1) / page * page + 2 * page;
        base_ = static_cast<char *>(mmap(nullptr, size_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
        if (size_ > 2 * page) mprotect(base_ + page, size_ - 2 * page, PROT_READ | PROT_WRITE);
        data_ = reinterpret_cast<T *>(at_end ? base_ + size_ - page - bytes : base_ + page);
    }
    ~Guarded() { munmap(base_, size_); }
    Guarded(const Guarded &) = delete;
    Guarded &operator=(const Guarded &) = delete;

    T *data() { return data_; }
    T &operator[](int64_t i) { return data_[i]; }
    int64_t size() const { return count_; }
    void fill(T value) {
        for (int64_t i = 0; i < count_; ++i) data_[i] = value;
    }

  private:
    int64_t count_;
    size_t size_;
    char *base_;
    T *data_;
};

class Random {
  public:
    explicit Random(uint64_t seed) : engine_(seed) {}
    int64_t between(int64_t least, int64_t most) {
        return std::uniform_int_distribution<int64_t>(least, most)(engine_);
    }
    float normal() { return std::normal_distribution<float>()(engine_); }
    template <class Buffer>
    void normals(Buffer &buffer) {
        for (int64_t i = 0; i < buffer.size(); ++i) buffer[i] = normal();
    }
    uint32_t bits() { return static_cast<uint32_t>(engine_()); }

  private:
    std::mt19937_64 engine_;
};

// The same bits; any NaN is like any other.
inline bool same(float a, float b) { return std::memcmp(&a, &b, sizeof a) == 0 || (a != a && b != b); }

// Index of the first element that differs, or -1.
inline int64_t first_difference(const float *a, const float *b, int64_t n) {
    for (int64_t i = 0; i < n; ++i)
        if (!same(a[i], b[i])) return i;
    return -1;
}

}  // namespace native_kernels
