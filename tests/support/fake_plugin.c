/* SPDX-License-Identifier: Apache-2.0 */
/* A plug-in without LibTorch, for tests of what loads plug-ins. Built several times, each with one of:
 *   FAKE_WRONG_ABI    speaks another ABI number
 *   FAKE_NO_SYMBOL    has no wb_plugin_get
 *   FAKE_NULL         has a wb_plugin_get that knows no ABI
 *   FAKE_HELD         run waits for fake_go_on
 *   FAKE_FAILS        run fails with WB_BACKEND_FAILED, quoting its first input
 *   FAKE_MISFIT       run fails with WB_INVALID_BUNDLE
 *   FAKE_NO_THREAD    thread_init fails
 *   FAKE_HELD_LOAD    load and import_module wait for fake_go_on
 *   FAKE_ESCAPES      import_module tries what a sandbox has to forbid, a line for each that succeeds, and one that
 *                     tells how many failed
 *   FAKE_TELLS        import_module's line tells scheduling class, nice value, oom_score_adj and working directory
 *   FAKE_EXITS        thread_init calls exit, as LibTorch's MKL does where it finds no working directory
 * A module is any bytes but those with a class Refused. Each output float is the sum of the first input's first row,
 * plus the output's index, plus 100 where it has a key. No module can be imported: it has 5,000 operators that are not
 * known. */
#define _GNU_SOURCE /* memmem */
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef FAKE_TELLS
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>
#endif

#ifdef FAKE_ESCAPES
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#endif

#include "torchscript/plugin_api.h"
#include "weighbridge/c/schema.h"

#define FAKE_EXPORT __attribute__((visibility("default")))

FAKE_EXPORT int fake_threads; /* how often thread_init ran */
FAKE_EXPORT int fake_modules; /* loaded now */
FAKE_EXPORT int fake_runs;
FAKE_EXPORT sem_t fake_entered; /* FAKE_HELD: posted by a run that waits */
FAKE_EXPORT sem_t fake_go_on;

struct wb_plugin_module {
    uint32_t arguments;
};
static struct wb_plugin_module module_of[64];

__attribute__((constructor)) static void set_up(void) {
    sem_init(&fake_entered, 0, 0);
    sem_init(&fake_go_on, 0, 0);
}

static int32_t thread_init(char *error, uint32_t error_bytes) {
    __atomic_add_fetch(&fake_threads, 1, __ATOMIC_RELAXED);
#ifdef FAKE_EXITS
    exit(3);
#endif
#ifdef FAKE_NO_THREAD
    snprintf(error, error_bytes, "no thread today");
    return WB_BACKEND_UNAVAILABLE;
#else
    (void)error;
    (void)error_bytes;
    return WB_OK;
#endif
}

/* FAKE_HELD_LOAD: a step of LibTorch's that takes its time. */
static void linger(void) {
#ifdef FAKE_HELD_LOAD
    sem_post(&fake_entered);
    sem_wait(&fake_go_on);
#endif
}

static int32_t load(wb_plugin_module **out, const void *bytes, uint64_t size, wb_plugin_device device,
                    uint32_t arguments, char *error, uint32_t error_bytes) {
    *out = NULL;
    linger();
    if (device.device_type != 0 || memmem(bytes, size, "class Refused", 13)) {
        snprintf(error, error_bytes, "not a module");
        return WB_INVALID_BUNDLE;
    }
    static unsigned next;
    *out = &module_of[__atomic_fetch_add(&next, 1, __ATOMIC_RELAXED) & 63];
    __atomic_add_fetch(&fake_modules, 1, __ATOMIC_RELAXED);
    (*out)->arguments = arguments;
    return WB_OK;
}

static void unload(wb_plugin_module *module) {
    (void)module;
    __atomic_sub_fetch(&fake_modules, 1, __ATOMIC_RELAXED);
}

static float sum_of_first_row(const wb_plugin_tensor *input) {
    int64_t width = 1;
    for (int32_t i = 1; i < input->rank; ++i) width *= input->shape[i];
    float sum = 0.0f;
    if (input->dtype == WB_DTYPE_FLOAT32)
        for (int64_t i = 0; i < width; ++i) sum += ((const float *)input->data)[i];
    return sum;
}

static int32_t run(wb_plugin_module *module, wb_plugin_device device, const wb_plugin_tensor *inputs,
                   uint32_t input_count, wb_plugin_output *outputs, uint32_t output_count, char *error,
                   uint32_t error_bytes) {
    (void)device;
    const int runs = __atomic_add_fetch(&fake_runs, 1, __ATOMIC_RELAXED);
    (void)runs;
    if (input_count != module->arguments || input_count == 0) {
        snprintf(error, error_bytes, "wrong inputs");
        return WB_INTERNAL;
    }
    const float sum = sum_of_first_row(&inputs[0]);
#if defined(FAKE_HELD)
    if (sum != 0.0f) { /* a warm-up has zeros */
        sem_post(&fake_entered);
        sem_wait(&fake_go_on);
    }
#elif defined(FAKE_FAILS)
    if (sum != 0.0f) {
        snprintf(error, error_bytes, "cannot score %g", (double)sum);
        return WB_BACKEND_FAILED;
    }
#elif defined(FAKE_MISFIT)
    snprintf(error, error_bytes, "output '%s': expected shape [1], got [2]", outputs[0].name);
    return WB_INVALID_BUNDLE;
#endif
    for (uint32_t i = 0; i < output_count; ++i) {
        int64_t count = 1;
        for (int32_t j = 0; j < outputs[i].rank; ++j) count *= outputs[i].shape[j];
        for (int64_t j = 0; j < count; ++j)
            outputs[i].data[j] = sum + (float)outputs[i].index + (outputs[i].key ? 100.0f : 0.0f);
    }
    return WB_OK;
}

#ifdef FAKE_TELLS
static char standing[512];

/* Before the sandbox, which forbids all of it. */
static void note_standing(void) {
    int score = -1;
    char folder[256];
    FILE *file = fopen("/proc/self/oom_score_adj", "r");
    if (!file || fscanf(file, "%d", &score) != 1) score = -1;
    if (file) fclose(file);
    if (!getcwd(folder, sizeof folder)) folder[0] = '\0';
    snprintf(standing, sizeof standing, "policy %d, nice %d, oom_score_adj %d, in '%s'", sched_getscheduler(0),
             getpriority(PRIO_PROCESS, 0), score, folder);
}
#endif

#ifdef FAKE_ESCAPES
static char said[4096];
static int refused;

static void tried(const char *what, long result) {
    if (result < 0)
        ++refused;
    else
        snprintf(said + strlen(said), sizeof said - strlen(said), "%s succeeded\n", what);
}

static void *a_thread(void *none) { return none; }

static void escape(void) {
    struct sockaddr_un address = {AF_UNIX, "/tmp/none"};
    char *const none[] = {NULL};
    pthread_t thread;
    char buffer[16];
    int ends[2];
    void *memory;
    tried("open", open("/etc/passwd", O_RDONLY));
    tried("create", open("/tmp/wb-escaped", O_WRONLY | O_CREAT, 0600));
    tried("unlink", unlink("/tmp/wb-escaped") == 0 || errno == ENOENT ? 0 : -1);
    tried("socket", socket(AF_UNIX, SOCK_STREAM, 0));
    tried("connect", connect(3, (struct sockaddr *)&address, sizeof address));
    tried("execve", execve("/bin/true", none, none));
    tried("fork", fork());
    tried("thread", pthread_create(&thread, NULL, a_thread, NULL) == 0 ? 0 : -1);
    tried("kill", kill(getppid(), 0));
    tried("ptrace", ptrace(PTRACE_TRACEME, 0, NULL, NULL));
    tried("pipe", pipe(ends));
    tried("dup", dup(4));
    tried("ioctl", ioctl(4, FIONREAD, buffer));
    tried("readlink", readlink("/proc/self/exe", buffer, sizeof buffer));
    tried("prctl", prctl(PR_SET_DUMPABLE, 1));
    tried("setrlimit", setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0}));
    tried("mount", mount("none", "/tmp", "tmpfs", 0, NULL));
    memory = mmap(NULL, (size_t)8 << 30, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    tried("memory", memory == MAP_FAILED ? -1 : 0);
}
#endif

static int32_t import_module(const void *bytes, uint64_t size, const void *request, uint64_t request_size,
                             wb_plugin_sink graph, wb_plugin_sink report, void *payload) {
    static char lines[5000 * 64];
    int used = 0;
    (void)bytes;
    (void)size;
    (void)request;
    (void)request_size;
    (void)graph;
    linger();
#ifdef FAKE_ESCAPES
    escape();
    snprintf(said + strlen(said), sizeof said - strlen(said), "%d refused", refused);
    report(said, strlen(said), payload);
    return WB_INVALID_BUNDLE;
#endif
#ifdef FAKE_TELLS
    report(standing, strlen(standing), payload);
    return WB_INVALID_BUNDLE;
#endif
    for (int i = 1; i <= 5000; ++i)
        used += snprintf(lines + used, sizeof lines - (size_t)used, "%sfake::operator_%d, model.py:%d: not known",
                         i > 1 ? "\n" : "", i, i);
    report(lines, (uint64_t)used, payload);
    return WB_INVALID_BUNDLE;
}

static int32_t prime(char *error, uint32_t error_bytes) {
    (void)error;
    (void)error_bytes;
#ifdef FAKE_TELLS
    note_standing();
#endif
    return WB_OK;
}

static const wb_plugin_v1 table = {
    sizeof(wb_plugin_v1),
#ifdef FAKE_WRONG_ABI
    WB_PLUGIN_ABI + 1,
#else
    WB_PLUGIN_ABI,
#endif
    "2.15.0",
    "fake",
    thread_init,
    load,
    unload,
    run,
    import_module,
    prime,
};

#ifndef FAKE_NO_SYMBOL
FAKE_EXPORT const wb_plugin_v1 *wb_plugin_get(uint32_t abi) {
#ifdef FAKE_NULL
    return abi == 0 ? &table : NULL;
#else
    (void)abi;
    return &table;
#endif
}
#else
FAKE_EXPORT const wb_plugin_v1 *fake_other(void) { return &table; }
#endif
