// SPDX-License-Identifier: Apache-2.0
// Nothing on the path: after warm-up, running a plan in a context already taken allocates nothing, takes no lock and
// makes no system call, and touches nothing outside what it was given.
#include <dlfcn.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "backend/native/native.hpp"
#include "support/levels.hpp"
#include "support/plans.hpp"
#include "support/random_graph.hpp"

namespace {
volatile long allocations = 0, locks = 0;
}

// The process's own allocator and locks, counted.
extern "C" {
void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);
void *malloc(size_t size) {
    allocations = allocations + 1;
    return __libc_malloc(size);
}
void *calloc(size_t count, size_t size) {
    allocations = allocations + 1;
    return __libc_calloc(count, size);
}
void *realloc(void *memory, size_t size) {
    allocations = allocations + 1;
    return __libc_realloc(memory, size);
}
void *aligned_alloc(size_t alignment, size_t size) {
    allocations = allocations + 1;
    return __libc_memalign(alignment, size);
}
int pthread_mutex_lock(pthread_mutex_t *mutex) noexcept {
    static auto next = reinterpret_cast<int (*)(pthread_mutex_t *)>(dlsym(RTLD_NEXT, "pthread_mutex_lock"));
    locks = locks + 1;
    return next(mutex);
}
}

namespace {

using namespace weighbridge;
using namespace weighbridge::lib;

[[noreturn]] void fail(const char *what, const char *name) {
    std::fprintf(stderr, "native_quiet_test: %s: %s\n", name, what);
    std::exit(1);
}

// Memory that ends where nothing may be touched.
void *before_guard(size_t bytes) {
    const size_t page = 4096, room = (bytes + page - 1) / page * page + page;
    auto *memory =
        static_cast<char *>(mmap(nullptr, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    if (memory == MAP_FAILED || mprotect(memory + room, page, PROT_NONE) != 0) fail("no memory", "guard");
    return memory + room - bytes;
}

// Kills the process at any system call but write and exit_group.
void forbid_system_calls() {
    sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_write, 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
    };
    sock_fprog program{sizeof filter / sizeof filter[0], filter};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
        std::printf("not run: system calls (this system has no seccomp)\n");
        std::fflush(stdout);
    }
}

void check(const char *name, const test::GraphBuilder &build, int64_t rows, int64_t length) {
    const auto plan = build.plan({WB_PRECISION_FP32, WB_PRECISION_INT8});
    const Graph &graph = plan->graph();
    test::Inputs inputs = test::random_inputs(graph, rows, length, 1);
    for (TensorView &view : inputs.views) {
        const size_t bytes = static_cast<size_t>(view.shape.elements()) * size_of(view.dtype);
        void *guarded = before_guard(bytes);
        std::memcpy(guarded, view.data, bytes);
        view.data = guarded;
    }
    std::vector<float *> outputs;
    for (size_t i = 0; i < graph.outputs().size(); ++i)
        outputs.push_back(static_cast<float *>(
            before_guard(static_cast<size_t>(rows * test::row_floats(graph, i, length)) * sizeof(float))));
    for (int32_t precision : plan->precisions())
        for (native::Level level : test::cpu_levels()) {
            auto program = make_native_program(plan, precision, level, test::input_names(graph));
            if (!program) fail(program.status().message, name);
            auto executor = lib::make_lone_executor(**program, 0, (*program)->tile_rows());
            Run run;
            run.inputs = inputs.views;
            run.outputs = outputs;
            run.rows = rows;
            if (Status status = (*executor)->run(run); !status.ok()) fail(status.message, name);  // warm-up
            const pid_t child = fork();
            if (child == 0) {
                forbid_system_calls();
                const long allocated = allocations, locked = locks;
                bool good = true;
                for (int i = 0; i < 200; ++i) good = (*executor)->run(run).ok() && good;
                if (allocations != allocated) _exit(2);
                if (locks != locked) _exit(3);
                _exit(good ? 0 : 4);
            }
            int verdict = 0;
            waitpid(child, &verdict, 0);
            if (WIFSIGNALED(verdict))
                fail(WTERMSIG(verdict) == SIGSYS ? "a system call while running" : "killed by a signal while running",
                     name);
            switch (WEXITSTATUS(verdict)) {
                case 0:
                    break;
                case 2:
                    fail("allocated while running", name);
                case 3:
                    fail("took a lock while running", name);
                default:
                    fail("a run failed", name);
            }
        }
}

}  // namespace

int main() {
    const long before = allocations;
    delete new int;  // the counters count
    if (allocations == before) fail("the allocator is not counted", "self-test");
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    const long locked = locks;
    pthread_mutex_lock(&mutex);
    pthread_mutex_unlock(&mutex);
    if (locks == locked) fail("locks are not counted", "self-test");
    check("mlp, 1 row", test::mlp_graph(60, 80), 1, 0);
    check("mlp, 7 rows", test::mlp_graph(60, 80), 7, 0);
    check("transformer, 1 row of 12", test::transformer_graph(48, 12), 1, 12);
    check("transformer, 3 rows of 5", test::transformer_graph(48, 12), 3, 5);
    std::printf("no allocation, lock or system call; nothing past the end\n");
    return 0;
}
