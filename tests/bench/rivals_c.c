/* SPDX-License-Identifier: Apache-2.0 */
/* Times an MLP bundle through the C API, as a payment service calls it: fields are written into a published row, and
 * wb_model_score validates, encodes and scores. Every figure is printed after the scores were found right.
 *   rivals_c VERB BUNDLE PRECISION ENGINES PAYMENTS TOLERANCE SECONDS
 * VERB: rows, routes, threads, load. PRECISION "-" is the plan's first. PAYMENTS is what rivals/c_side.py writes.
 * Prints one line of JSON. */
#define _GNU_SOURCE
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mlp.h"

#define ROUTES 32
#define SHARED 31 /* features that the routes of a payment have in common: the first numbers */

/* -- rows: one payment a call, hot; and the tail beside a loop that only adds. */

static volatile double sink;

static void add_up(int64_t turns) {
    double x = 1.0;
    int64_t i;
    for (i = 0; i < turns; ++i) x = x * 0.999999 + 0.5;
    sink = x;
}

static void time_rows(void) {
    enum { block = 500, blocks = 400 };
    caller c;
    size_t rounds = 0, most = (size_t)(seconds * 1e9 / SAMPLE_NS) + 8, calls = 0, k;
    double *us = doubles(most), *own = doubles((size_t)blocks * block), *control = doubles((size_t)blocks * block),
           median;
    int64_t passes = 1, turns, begin, end, now, i, at = 0;
    open_model(&c, "cpu=1");
    check(&c);
    begin = wb_now_ns();
    for (i = 0; i < 64; ++i) score(&c, &payments[i % payment_count]);
    passes = 1 + SAMPLE_NS * 64 / (wb_now_ns() - begin + 1);
    end = wb_now_ns() + (int64_t)(seconds * 1e9);
    while (rounds < most && (rounds < 5 || wb_now_ns() < end)) {
        begin = wb_now_ns();
        for (i = 0; i < passes; ++i) {
            score(&c, &payments[at]);
            at = at + 1 == payment_count ? 0 : at + 1;
        }
        us[rounds++] = (double)(wb_now_ns() - begin) / 1000.0 / (double)passes;
    }
    median = quantile(us, rounds, 0.5);

    begin = wb_now_ns();
    add_up(1000000);
    turns = 1 + (int64_t)(median * 1e9 / (double)(wb_now_ns() - begin + 1));
    for (end = wb_now_ns() + (int64_t)(seconds * 2e9); calls < (size_t)blocks * block && wb_now_ns() < end;) {
        for (k = 0, begin = wb_now_ns(); k < block; ++k, begin = now) {
            score(&c, &payments[k % (size_t)payment_count]);
            now = wb_now_ns();
            own[calls + k] = (double)(now - begin) / 1000.0;
        }
        for (k = 0, begin = wb_now_ns(); k < block; ++k, begin = now) {
            add_up(turns);
            now = wb_now_ns();
            control[calls + k] = (double)(now - begin) / 1000.0;
        }
        calls += block;
    }
    printf(
        "{\"us\": %.4f, \"calls\": %zu, \"p50\": %.4f, \"p99\": %.4f, \"p99.9\": %.4f, \"control_p50\": %.4f, "
        "\"control_p99.9\": %.4f}\n",
        median, calls, quantile(own, calls, 0.5), quantile(own, calls, 0.99), quantile(own, calls, 0.999),
        quantile(control, calls, 0.5), quantile(control, calls, 0.999));
}

/* -- routes: one payment with 32 candidate routes: a batch of columns, 31 of them shared by stride 0; 32 single calls;
 * 32 published rows. Each way writes the payment's values anew, then scores. */

typedef struct {
    payment shared;
    payment routes[ROUTES];
    uint64_t rows[ROUTES][128];
    wb_batch *columns, *strided;
    double by_columns[ROUTES], by_rows[ROUTES], by_calls[ROUTES];
} candidates;

static void score_columns(caller *c, candidates *all, const payment *p) {
    wb_error err = WB_ERROR_INIT;
    int r;
    memcpy(all->shared.numbers, p->numbers, SHARED * sizeof(float));
    for (r = 0; r < ROUTES; ++r) {
        const payment *route = p + r;
        memcpy(all->routes[r].numbers + SHARED, route->numbers + SHARED, (NUMBERS - SHARED) * sizeof(float));
        memcpy(all->routes[r].codes, route->codes, sizeof route->codes);
    }
    must(wb_model_score_batch(NULL, c->model, all->columns, WB_NO_DEADLINE, NULL, &err), &err);
}

static void fill_shared(const caller *c, void *row, const payment *p) {
    uint32_t i;
    for (i = 0; i < SHARED; ++i) wb_row_set_float32(row, &c->info, &c->features[i], i, p->numbers[i]);
}

static void score_calls(caller *c, candidates *all, const payment *p) {
    int r;
    fill_shared(c, c->row, p);
    for (r = 0; r < ROUTES; ++r) {
        fill(c, c->row, p + r, SHARED);
        all->by_calls[r] = score_row(c, c->row);
    }
}

static void score_rows(caller *c, candidates *all, const payment *p) {
    wb_error err = WB_ERROR_INIT;
    int r;
    for (r = 0; r < ROUTES; ++r) {
        fill_shared(c, all->rows[r], p);
        fill(c, all->rows[r], p + r, SHARED);
    }
    must(wb_model_score_batch(NULL, c->model, all->strided, WB_NO_DEADLINE, NULL, &err), &err);
}

static void prepare_routes(caller *c, candidates *all) {
    wb_error err = WB_ERROR_INIT;
    uint32_t i;
    int r;
    for (r = 0; r < ROUTES; ++r) must(wb_row_init(c->schema, all->rows[r], sizeof all->rows[r], &err), &err);
    must(wb_batch_create(&all->columns, c->schema, &err), &err);
    must(wb_batch_create(&all->strided, c->schema, &err), &err);
    must(wb_batch_reset(all->columns, ROUTES, &err), &err);
    must(wb_batch_reset(all->strided, ROUTES, &err), &err);
    must(wb_batch_set_rows(all->strided, all->rows, sizeof all->rows[0], &err), &err);
    for (i = 0; i < FEATURES; ++i) {
        const void *data = i < SHARED    ? (const void *)&all->shared.numbers[i]
                           : i < NUMBERS ? (const void *)&all->routes[0].numbers[i]
                                         : (const void *)&all->routes[0].codes[i - NUMBERS];
        must(wb_batch_set_column(all->columns, i, data, i < SHARED ? 0 : sizeof(payment), NULL, &err), &err);
    }
    must(wb_batch_set_result(all->columns, WB_COLUMN_SCORE, all->by_columns, sizeof(double), &err), &err);
    must(wb_batch_set_result(all->strided, WB_COLUMN_SCORE, all->by_rows, sizeof(double), &err), &err);
}

static void time_routes(void) {
    typedef void (*way)(caller *, candidates *, const payment *);
    const way ways[3] = {score_columns, score_calls, score_rows};
    caller c;
    candidates *all = calloc(1, sizeof *all);
    size_t rounds = 0, most = (size_t)(seconds * 1e9 / SAMPLE_NS) + 8;
    double *us[3];
    int64_t end, passes, i, sets = payment_count - ROUTES;
    size_t w, k;
    if (!all || sets < 1) fail("too few payments", NULL);
    open_model(&c, "cpu=1");
    check(&c);
    prepare_routes(&c, all);
    for (i = 0; i < sets; ++i) {
        for (w = 0; w < 3; ++w) ways[w](&c, all, &payments[i]);
        if (c.numerics && (memcmp(all->by_columns, all->by_calls, sizeof all->by_calls) ||
                           memcmp(all->by_rows, all->by_calls, sizeof all->by_calls)))
            fail("routes: the scores of columns, rows and single calls are not the same bits", NULL);
    }
    for (w = 0; w < 3; ++w) us[w] = doubles(most);
    for (end = wb_now_ns() + (int64_t)(seconds * 1e9); rounds < most && (rounds < 5 || wb_now_ns() < end); ++rounds)
        for (k = 0; k < 3; ++k) {
            int64_t begin = wb_now_ns(), now;
            w = (k + rounds) % 3;
            for (passes = 0; (now = wb_now_ns()) - begin < SAMPLE_NS; ++passes)
                ways[w](&c, all, &payments[passes % sets]);
            us[w][rounds] = (double)(now - begin) / 1000.0 / (double)passes;
        }
    printf("{\"us\": %.4f, \"calls32\": %.4f, \"rows32\": %.4f}\n", quantile(us[0], rounds, 0.5),
           quantile(us[1], rounds, 0.5), quantile(us[2], rounds, 0.5));
}

/* -- threads: two threads on two contexts of one engine, against one thread, and against two processes. */

static int64_t window_ns = 200000000;

static double run_window(caller *c) {
    int64_t begin = wb_now_ns(), calls = 0;
    while (wb_now_ns() - begin < window_ns) score(c, &payments[calls++ % payment_count]);
    return (double)calls * 1e9 / (double)(wb_now_ns() - begin);
}

typedef struct {
    caller c;
    double rate;
    pthread_barrier_t *start;
} worker;

static void *run_worker(void *payload) {
    worker *w = payload;
    pthread_barrier_wait(w->start);
    w->rate = run_window(&w->c);
    return NULL;
}

static double run_two(worker *two) {
    pthread_barrier_t start;
    pthread_t threads[2];
    int i;
    pthread_barrier_init(&start, NULL, 2);
    for (i = 0; i < 2; ++i) {
        two[i].start = &start;
        if (pthread_create(&threads[i], NULL, run_worker, &two[i])) fail("pthread_create", NULL);
    }
    for (i = 0; i < 2; ++i) pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&start);
    return two[0].rate + two[1].rate;
}

/* A process of its own that runs a window for each byte that it reads. Started before this process has an engine. */
typedef struct {
    int ask[2], answer[2];
    pid_t pid;
} process;

static void start_process(process *p) {
    char byte;
    double rate;
    caller c;
    if (pipe(p->ask) || pipe(p->answer)) fail("pipe", NULL);
    p->pid = fork();
    if (p->pid < 0) fail("fork", NULL);
    if (p->pid) {
        close(p->ask[0]);
        close(p->answer[1]);
        return;
    }
    close(p->ask[1]);
    open_model(&c, "cpu=1");
    check(&c);
    while (read(p->ask[0], &byte, 1) == 1) {
        rate = run_window(&c);
        if (write(p->answer[1], &rate, sizeof rate) != (ssize_t)sizeof rate) break;
    }
    _exit(0);
}

static double run_processes(process *p) {
    double rates[2];
    int i;
    for (i = 0; i < 2; ++i)
        if (write(p[i].ask[1], "g", 1) != 1) fail("a process ended", NULL);
    for (i = 0; i < 2; ++i)
        if (read(p[i].answer[0], &rates[i], sizeof *rates) != (ssize_t)sizeof *rates) fail("a process ended", NULL);
    return rates[0] + rates[1];
}

static void time_threads(void) {
    size_t rounds = (size_t)(seconds / 0.6) + 3, i;
    double *us = doubles(rounds), *one = doubles(rounds), *against = doubles(rounds);
    process *processes = calloc(2, sizeof *processes);
    worker *two = calloc(2, sizeof *two);
    if (!processes || !two) fail("out of memory", NULL);
    for (i = 0; i < 2; ++i) start_process(&processes[i]);
    open_model(&two[0].c, "cpu=2");
    two[1].c = two[0].c;
    new_row(&two[1].c);
    check(&two[0].c);
    run_processes(processes);
    run_two(two);
    for (i = 0; i < rounds; ++i) {
        double alone = run_window(&two[0].c), both = run_two(two), bare = run_processes(processes);
        us[i] = 2e6 / both;
        one[i] = both / alone;
        against[i] = both / bare;
    }
    for (i = 0; i < 2; ++i) kill(processes[i].pid, SIGTERM);
    for (i = 0; i < 2; ++i) waitpid(processes[i].pid, NULL, 0);
    printf("{\"us\": %.4f, \"one_thread_rate_ratio\": %.4f, \"two_processes_rate_ratio\": %.4f}\n",
           quantile(us, rounds, 0.5), quantile(one, rounds, 0.5), quantile(against, rounds, 0.5));
}

/* -- load: from nothing to the first score, and what the process then holds. */

static double resident_kb(void) {
    long pages = 0, size = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file || fscanf(file, "%ld %ld", &size, &pages) != 2) fail("/proc/self/statm", NULL);
    fclose(file);
    return (double)pages * (double)sysconf(_SC_PAGESIZE) / 1024.0;
}

static void time_load(void) {
    caller c;
    double before = resident_kb();
    int64_t begin = wb_now_ns(), took;
    open_model(&c, "cpu=1");
    score(&c, &payments[0]);
    took = wb_now_ns() - begin;
    printf("{\"us\": %.1f, \"resident_kb\": %.0f, \"before_kb\": %.0f}\n", (double)took / 1000.0, resident_kb(),
           before);
}

int main(int argc, char **argv) {
    static const struct {
        const char *name;
        void (*run)(void);
    } verbs[] = {{"rows", time_rows}, {"routes", time_routes}, {"threads", time_threads}, {"load", time_load}};
    size_t i;
    program = "rivals_c";
    if (argc != 8) fail("usage: rivals_c VERB BUNDLE PRECISION ENGINES PAYMENTS TOLERANCE SECONDS", NULL);
    bundle = argv[2];
    precision = argv[3];
    engines = argv[4];
    tolerance = atof(argv[6]);
    seconds = atof(argv[7]);
    read_payments(argv[5]);
    for (i = 0; i < sizeof verbs / sizeof *verbs; ++i)
        if (!strcmp(argv[1], verbs[i].name)) return verbs[i].run(), 0;
    fail("expected rows, routes, threads or load", NULL);
    return 2;
}
