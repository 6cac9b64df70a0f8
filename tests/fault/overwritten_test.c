/* SPDX-License-Identifier: Apache-2.0 */
/* A bundle whose files are truncated, overwritten and grown in place, and taken away, while it serves: every answer has
 * the bits of the first one, no signal comes, and a load of what is left is refused. 100,000 requests with WB_FULL=1,
 * else 10,000. With a second argument, a list of engines, a third, a bundle, and a fourth, a row in JSON, that bundle
 * is served instead. */
#define _POSIX_C_SOURCE 200809L
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "support/check.h"
#include "support/process.h"

static char folder[64] = "/tmp/wb-overwritten-XXXXXX";
static atomic_int stop;
static atomic_llong changes;

/* Calls `work` with the path of each file of a folder. */
static void each_file(const char *path, void (*work)(const char *file, const char *name)) {
    struct dirent *entry;
    DIR *listing = opendir(path);
    char file[4096];
    CHECK(listing);
    while ((entry = readdir(listing))) {
        if (entry->d_name[0] == '.') continue;
        snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
        work(file, entry->d_name);
    }
    closedir(listing);
}

static void copy(const char *file, const char *name) {
    char to[4096], buffer[65536];
    size_t size;
    FILE *from = fopen(file, "rb"), *copied;
    snprintf(to, sizeof to, "%s/%s", folder, name);
    copied = fopen(to, "wb");
    CHECK(from && copied);
    while ((size = fread(buffer, 1, sizeof buffer, from)) > 0) CHECK(fwrite(buffer, 1, size, copied) == size);
    fclose(from);
    CHECK(fclose(copied) == 0);
}

static void change(const char *file, const char *name) {
    static unsigned turn;
    static const char junk[4096] = "not what was signed";
    struct stat about;
    int fd = open(file, O_WRONLY);
    (void)name;
    CHECK(fd >= 0 && fstat(fd, &about) == 0);
    switch (turn++ % 5) {
        case 0:
            CHECK(ftruncate(fd, 0) == 0);
            break;
        case 1:
            CHECK(pwrite(fd, junk, sizeof junk, 0) == sizeof junk);
            break;
        case 2:
            CHECK(ftruncate(fd, about.st_size / 2) == 0);
            break;
        case 3:
            CHECK(ftruncate(fd, 1 << 20) == 0);
            break; /* a hole of zeros */
        default:
            CHECK(pwrite(fd, junk, sizeof junk, about.st_size) == sizeof junk);
    }
    CHECK(close(fd) == 0);
    atomic_fetch_add(&changes, 1);
}

static void take_away(const char *file, const char *name) {
    (void)name;
    CHECK(unlink(file) == 0);
}

static void *overwrite(void *unused) {
    const struct timespec pause = {0, 200000};
    (void)unused;
    while (!atomic_load(&stop)) {
        each_file(folder, change);
        nanosleep(&pause, NULL);
    }
    return NULL;
}

int main(int argc, char **argv) {
    const char *json = argc == 5 ? argv[4] : "{\"amount_minor\": 1250, \"country\": \"FR\", \"online\": false}";
    const int requests = full_campaign() ? 100000 : 10000;
    wb_engine *engine = make_engine("cpu=1", 16);
    wb_load_options *options = NULL;
    wb_model *model = NULL, *again = NULL;
    wb_schema *schema = NULL;
    wb_result first = WB_RESULT_INIT, result = WB_RESULT_INIT;
    uint64_t row[512];
    pthread_t thread;
    int i;
    CHECK((argc == 2 || argc == 5) && mkdtemp(folder));
    each_file(argc == 5 ? argv[3] : fixture(argv, "mlp"), copy);
    CHECK_STATUS(WB_OK, wb_load_options_create(&options, E));
    if (argc == 5) CHECK_STATUS(WB_OK, wb_load_options_set_engines(options, argv[2], E));
    CHECK_STATUS(WB_OK, wb_model_load(&model, engine, folder, options, E));
    CHECK_STATUS(WB_OK, wb_model_schema(&schema, model, E));
    CHECK_STATUS(WB_OK, wb_row_init(schema, row, sizeof row, E));
    CHECK_STATUS(WB_OK, wb_row_set_json(schema, row, json, strlen(json), E));
    CHECK_STATUS(WB_OK, wb_model_score(&first, model, row, WB_NO_DEADLINE, NULL, E));
    CHECK(pthread_create(&thread, NULL, overwrite, NULL) == 0);
    while (atomic_load(&changes) < 8) sched_yield(); /* each file once at least */
    for (i = 0; i < requests; ++i) {
        CHECK_STATUS(WB_OK, wb_model_score(&result, model, row, WB_NO_DEADLINE, NULL, E));
        CHECK(memcmp(&result.score, &first.score, sizeof first.score) == 0);
    }
    CHECK(wb_model_load(&again, engine, folder, options, E) < 0 && !again);
    atomic_store(&stop, 1);
    CHECK(pthread_join(thread, NULL) == 0);
    each_file(folder, take_away);
    CHECK(rmdir(folder) == 0);
    CHECK_STATUS(WB_OK, wb_model_score(&result, model, row, WB_NO_DEADLINE, NULL, E));
    CHECK(memcmp(&result.score, &first.score, sizeof first.score) == 0);
    printf("%d requests, %lld changes of files, 0 other bits\n", requests, (long long)atomic_load(&changes));
    wb_load_options_free(options);
    wb_schema_free(schema);
    wb_model_free(model);
    wb_engine_free(engine);
    return 0;
}
