// SPDX-License-Identifier: Apache-2.0
// Every buffer of a plan and of a context ends where nothing may be touched: weights, what load computes of them, and
// the arena with its scratch, besides inputs and outputs. A step that leaves them ends this program. Inside the arena
// it is AddressSanitizer that sees a step leave its operands (lib/tensor/fence.hpp).
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <new>

#include "backend/native/native.hpp"
#include "support/levels.hpp"
#include "support/plans.hpp"
#include "support/random_graph.hpp"

namespace {

constexpr size_t kPage = 4096, kLine = 64;
size_t guarded = 0;  // buffers, so far

struct Mapping {
    void *memory;
    size_t bytes;
};
std::map<void *, Mapping> &mappings() {
    static auto *all = new std::map<void *, Mapping>;  // outlives what is freed at exit
    return *all;
}

// At a multiple of 64, with less than a line between its end and a page that must not be touched; one lies before it
// too.
void *guarded_memory(size_t bytes) {
    const size_t lines = (bytes + kLine - 1) / kLine * kLine, room = (lines + kPage - 1) / kPage * kPage;
    auto *memory = static_cast<char *>(
        mmap(nullptr, room + 2 * kPage, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
    if (memory == MAP_FAILED) throw std::bad_alloc();
    if (room > 0 && mprotect(memory + kPage, room, PROT_READ | PROT_WRITE) != 0) throw std::bad_alloc();
    ++guarded;
    char *data = memory + kPage + room - lines;
    if (lines > 0) std::memset(data, 0xA5, lines);
    mappings()[data] = {memory, room + 2 * kPage};
    return data;
}
void release(void *data) {
    const auto found = mappings().find(data);
    if (found == mappings().end()) return;  // null
    munmap(found->second.memory, found->second.bytes);
    mappings().erase(found);
}
using Guarded = std::unique_ptr<void, decltype(&release)>;

}  // namespace

// What lib::AlignedBuffer and lib::Bytes are made of.
void *operator new(size_t bytes, std::align_val_t) { return guarded_memory(bytes); }
void operator delete(void *data, std::align_val_t) noexcept { release(data); }
void operator delete(void *data, size_t, std::align_val_t) noexcept { release(data); }

namespace {

using namespace weighbridge;
using namespace weighbridge::lib;

[[noreturn]] void fail(const std::string &what, const std::string &name) {
    std::fprintf(stderr, "native_edges_test: %s: %s\n", name.c_str(), what.c_str());
    std::exit(1);
}

// Whether a child that touches a byte is killed for it.
bool faults(volatile std::byte *place) {
    const pid_t child = fork();
    if (child == 0) {
        *place = std::byte{1};
        _exit(0);
    }
    int verdict = 0;
    waitpid(child, &verdict, 0);
    return WIFSIGNALED(verdict) && WTERMSIG(verdict) == SIGSEGV;
}

struct Size {
    int64_t rows, length;
};

// Runs a graph in fp32 and int8 at every level. Returns the runs.
int check(const std::string &name, const Graph &graph, const std::vector<Size> &sizes) {
    int runs = 0;
    auto plan = Plan::make(graph, {}, {WB_PRECISION_FP32, WB_PRECISION_INT8});
    if (!plan) fail(plan.status().message, name);
    for (int32_t precision : (*plan)->precisions())
        for (native::Level level : test::cpu_levels()) {
            auto program = make_native_program(*plan, precision, level, test::input_names(graph));
            if (!program) fail(program.status().message, name);
            for (const Size &size : sizes) {
                const size_t before = guarded;
                auto executor = lib::make_lone_executor(**program, 0, std::min(size.rows, (*program)->tile_rows()));
                if (guarded == before) fail("the arena is not guarded", name);
                // To the byte, as what a caller gives need not be whole lines.
                std::vector<Guarded> held;
                auto ends_at_guard = [&](size_t bytes) {
                    held.emplace_back(guarded_memory(bytes), release);
                    return static_cast<char *>(held.back().get()) + (bytes + kLine - 1) / kLine * kLine - bytes;
                };
                test::Inputs inputs = test::random_inputs(graph, size.rows, size.length, 1);
                for (TensorView &view : inputs.views) {
                    const size_t bytes = static_cast<size_t>(view.shape.elements()) * size_of(view.dtype);
                    char *data = ends_at_guard(bytes);
                    if (bytes > 0) std::memcpy(data, view.data, bytes);
                    view.data = data;
                }
                std::vector<float *> outputs;
                for (size_t i = 0; i < graph.outputs().size(); ++i)
                    outputs.push_back(reinterpret_cast<float *>(ends_at_guard(
                        static_cast<size_t>(size.rows * test::row_floats(graph, i, size.length)) * sizeof(float))));
                Run run;
                run.inputs = inputs.views;
                run.outputs = outputs;
                run.rows = size.rows;
                Status status = (*executor)->run(run);
                if (!status.ok() && status.code != WB_BACKEND_FAILED) fail(status.message, name);  // an index outside
                ++runs;
            }
        }
    return runs;
}

}  // namespace

int main() {
    AlignedBuffer buffer(192);
    if (faults(buffer.data() + 191) || !faults(buffer.data() + 192)) fail("the end is not guarded", "self-test");
    AlignedBuffer whole(kPage);
    if (faults(whole.data()) || !faults(whole.data() - 1)) fail("the beginning is not guarded", "self-test");

    int runs = 0;
    for (const auto &[width, hidden] : {std::pair<int64_t, int64_t>{1, 1}, {13, 33}, {60, 80}, {63, 127}, {65, 97}})
        runs += check("mlp of " + std::to_string(width) + " and " + std::to_string(hidden),
                      test::mlp_graph(width, hidden).graph, {{1, 0}, {3, 0}, {17, 0}, {64, 0}});
    for (int64_t width : {2, 6, 26, 66})
        runs += check("transformer of width " + std::to_string(width), test::transformer_graph(width, 37).graph,
                      {{1, 1}, {1, 37}, {3, 5}, {32, 4}, {7, 17}});
    for (uint32_t seed = 0; seed < 60; ++seed) {
        test::RandomGraphOptions options;
        options.sequences = seed % 2 == 1;
        runs +=
            check("graph " + std::to_string(seed), test::random_graph(seed, options),
                  options.sequences ? std::vector<Size>{{1, 0}, {2, 33}, {5, 7}} : std::vector<Size>{{1, 0}, {19, 0}});
    }
    std::printf("%d runs within %zu buffers\n", runs, guarded);
    return runs < 500;
}
