/* SPDX-License-Identifier: Apache-2.0 */
/* The sealed profile: a service that loads plans alone, as a user without rights, on a read-only root with noexec /tmp,
 * where exec, new processes and writing files are denied by seccomp. It loads and scores as anywhere; a bundle
 * without a plan is an error with a name. Says which parts of the profile this machine does not let it set up. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "support/check.h"

enum { kNobody = 65534 };

static void without(const char *part) { printf("not set up: %s: %s\n", part, strerror(errno)); }

static void read_only_root(void) {
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("none", "/tmp", "tmpfs", MS_NOEXEC | MS_NOSUID, NULL) != 0 ||
        mount("none", "/", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) != 0)
        without("a read-only root and noexec /tmp");
    else
        CHECK(open("/wb-sealed", O_WRONLY | O_CREAT, 0600) < 0 && errno == EROFS);
}

static void no_rights(const char *bundles) {
    if (geteuid() == 0 && (setgroups(0, NULL) != 0 || setgid(kNobody) != 0 || setuid(kNobody) != 0))
        without("a user without rights");
    if (access(bundles, R_OK | X_OK) != 0) {
        printf("skipped: %s: %s: this user cannot read the bundles\n", bundles, strerror(errno));
        exit(77);
    }
}

#define DENY(call) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM)
/* The lower half of an argument of the call. */
#define ARGUMENT(index) offsetof(struct seccomp_data, args[index])

static void no_exec(void) {
    struct sock_filter lines[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        DENY(SYS_execve),
        DENY(SYS_execveat),
        DENY(SYS_socket),
        DENY(SYS_ptrace),
        DENY(SYS_unlinkat),
        DENY(SYS_renameat),
        DENY(SYS_mkdirat),
#ifdef SYS_fork
        DENY(SYS_fork),
        DENY(SYS_vfork),
        DENY(SYS_mkdir),
#endif
        /* clone3 as where it is not known, so that the C library uses clone; that without CLONE_THREAD. */
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone3, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, ARGUMENT(0)),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_THREAD, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, ARGUMENT(2)),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, O_WRONLY | O_RDWR | O_CREAT, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog program = {sizeof lines / sizeof *lines, lines};
    CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
        printf("skipped: seccomp: %s: nothing is denied here\n", strerror(errno));
        exit(77);
    }
    CHECK(execl("/bin/true", "true", (char *)NULL) == -1 && errno == EPERM);
    CHECK(fork() == -1 && errno == EPERM);
    CHECK(open("/tmp/wb-sealed", O_WRONLY | O_CREAT, 0600) == -1 && errno == EPERM);
}

/* Whether a library of that name is mapped. */
static int mapped(const char *name) {
    char line[4096];
    int found = 0;
    FILE *maps = fopen("/proc/self/maps", "r");
    CHECK(maps);
    while (fgets(line, sizeof line, maps)) found |= strstr(line, name) != NULL;
    fclose(maps);
    return found;
}

/* A bundle without a plan. */
static void unplanned(char **argv, const char *importer, const char *says) {
    wb_engine_options *options = NULL;
    wb_engine *engine = NULL;
    wb_model *model = NULL;
    CHECK_STATUS(WB_OK, wb_engine_options_create(&options, E));
    CHECK_STATUS(WB_OK, wb_engine_options_set(options, "importer", importer, E));
    CHECK_STATUS(WB_OK, wb_engine_create(&engine, options, E));
    CHECK_STATUS(WB_BACKEND_UNAVAILABLE, wb_model_load(&model, engine, fixture(argv, "mlp-unplanned"), NULL, E));
    CHECK(strstr(E->message, says) != NULL);
    wb_engine_options_free(options);
    wb_engine_free(engine);
}

int main(int argc, char **argv) {
    uint64_t row[64];
    wb_engine *engine = NULL;
    wb_result result = WB_RESULT_INIT;
    int i;
    CHECK(argc == 2);
    read_only_root();
    no_rights(argv[1]);
    no_exec();
    CHECK_STATUS(WB_OK, wb_engine_create(&engine, NULL, E));
    for (i = 0; i < 3; ++i) {
        wb_model *model = NULL;
        wb_schema *schema = NULL;
        CHECK_STATUS(WB_OK, wb_model_load(&model, engine, fixture(argv, "mlp"), NULL, E));
        CHECK_STATUS(WB_OK, wb_model_schema(&schema, model, E));
        fill(schema, row, "{\"amount_minor\": 0, \"country\": \"FR\", \"online\": true}");
        CHECK_STATUS(WB_OK, wb_model_score(&result, model, row, WB_NO_DEADLINE, NULL, E));
        CHECK_NEAR(1 / (1 + exp(-1.5)), result.score);
        wb_schema_free(schema);
        wb_model_free(model);
    }
    unplanned(argv, "none", "option importer is none");
    unplanned(argv, "isolated", "weighbridge-importer: Operation not permitted");
    CHECK(!mapped("libtorch") && !mapped("libweighbridge_torch"));
    wb_engine_free(engine);
    return 0;
}
