/* SPDX-License-Identifier: Apache-2.0 */
/* Options by name: listed, set, refused; and the engine's own deadline. */
#include "support/check.h"

typedef int32_t (*describe_fn)(wb_option_info *out, uint32_t index, wb_error *err);

/* Every option says what it is, and takes the default that it states. Gives how many there are. */
static uint32_t listed(describe_fn describe, wb_engine_options *engine, wb_load_options *load) {
    uint32_t i;
    for (i = 0;; ++i) {
        wb_option_info info = {0};
        int32_t status;
        info.struct_size = sizeof info;
        status = describe(&info, i, E);
        if (status == WB_NOT_FOUND) return i;
        CHECK(status == WB_OK && info.name[0] && info.form[0] && info.help[0] && info.reserved == 0);
        CHECK(strlen(info.form) < sizeof info.form - 1 && strlen(info.help) < sizeof info.help - 1);
        if (engine) CHECK_STATUS(WB_OK, wb_engine_options_set(engine, info.name, info.initial, E));
        if (load) CHECK_STATUS(WB_OK, wb_load_options_set(load, info.name, info.initial, E));
    }
}

static const struct {
    const char *name, *text;
    int32_t status;
    const char *message; /* part of it */
} kEngine[] =
    {
        {"devices", "cpu=3", WB_OK, ""},
        {"devices", "tpu:0", WB_INVALID_ARGUMENT,
         "devices: expected \"cpu\", \"cpu=N\", \"cuda:I\", \"cuda:I?\" or \"cuda:I=N\" with N in [1, 1024], with "
         "commas between them, got \"tpu:0\""},
        {"devices", "cuda:0", WB_OK, ""},
        {"devices", "cuda:0=4,cpu=2", WB_OK, ""},
        {"devices", "cpu,cuda:0?,cuda:1?=3", WB_OK, ""},
        {"devices", "cpu,cuda:0!,cuda:1?!=3,cuda:2!?", WB_OK, ""},
        {"devices", "cuda:0??", WB_INVALID_ARGUMENT, "\"cuda:0??\""},
        {"devices", "cuda:0=2!", WB_INVALID_ARGUMENT, "\"cuda:0=2!\""},
        {"devices", "cpu!", WB_INVALID_ARGUMENT, "\"cpu!\""},
        {"devices", "cuda", WB_INVALID_ARGUMENT, "\"cuda\""},
        {"devices", "cuda:", WB_INVALID_ARGUMENT, "\"cuda:\""},
        {"devices", "cuda:128", WB_INVALID_ARGUMENT, "\"cuda:128\""},
        {"devices", "cuda:-1", WB_INVALID_ARGUMENT, "\"cuda:-1\""},
        {"devices", "cuda:0=0", WB_INVALID_ARGUMENT, "\"cuda:0=0\""},
        {"devices", "cuda:0=2?", WB_INVALID_ARGUMENT, "\"cuda:0=2?\""},
        {"devices", "cuda:0,cuda:0?", WB_INVALID_ARGUMENT, "\"cuda:0,cuda:0?\""},
        {"devices", "cpu=1,cpu=2", WB_INVALID_ARGUMENT, "\"cpu=1,cpu=2\""},
        {"devices", "cpu=1,", WB_INVALID_ARGUMENT, "\"cpu=1,\""},
        {"devices", "cpu=1025", WB_INVALID_ARGUMENT, "[1, 1024]"},
        {"devices", "cpu=", WB_INVALID_ARGUMENT, "\"cpu=\""},
        {"devices", "", WB_INVALID_ARGUMENT, "\"\""},
        {"queue_limit", "64", WB_OK, ""},
        {"queue_limit", "1000001", WB_INVALID_ARGUMENT,
         "queue_limit: expected a whole number in [0, 1000000], got \"1000001\""},
        {"fairness_us", "0", WB_OK, ""},
        {"fairness_us", "1000001", WB_INVALID_ARGUMENT, "fairness_us: expected a whole number in [0, 1000000]"},
        {"join", "0", WB_OK, ""},
        {"join", "off", WB_INVALID_ARGUMENT, "join: expected 0, 1, false or true, got \"off\""},
        {"join_wait_us", "50", WB_OK, ""},
        {"join_wait_us", "10001", WB_INVALID_ARGUMENT, "join_wait_us: expected a whole number in [0, 10000]"},
        {"queue_limit", "-1", WB_INVALID_ARGUMENT, "\"-1\""},
        {"queue_limit", "64 ", WB_INVALID_ARGUMENT, "\"64 \""},
        {"queue_limit", "99999999999999999999", WB_INVALID_ARGUMENT, "queue_limit"},
        {"queue_limit", "", WB_INVALID_ARGUMENT, "queue_limit"},
        {"torch_plugin", "/no/such.so", WB_OK, ""},
        {"torch_plugin", "", WB_OK, ""},
        {"libtorch", "relative", WB_INVALID_ARGUMENT, "libtorch: expected an absolute path"},
        {"importer", "process", WB_OK, ""},
        {"importer", "in_process", WB_OK, ""},
        {"importer", "none", WB_OK, ""},
        {"importer", "isolated", WB_OK, ""},
        {"importer", "sandbox", WB_INVALID_ARGUMENT,
         "importer: expected isolated, process, in_process or none, got \"sandbox\""},
        {"importer_program", "weighbridge-importer", WB_INVALID_ARGUMENT,
         "importer_program: expected an absolute path"},
        {"importer_seconds", "86400", WB_OK, ""},
        {"importer_seconds", "0", WB_INVALID_ARGUMENT, "importer_seconds: expected a whole number in [1, 86400]"},
        {"importer_memory_mb", "4096", WB_OK, ""},
        {"importer_memory_mb", "-1", WB_INVALID_ARGUMENT,
         "importer_memory_mb: expected a whole number in [0, 1000000]"},
        {"allow_amx", "false", WB_OK, ""},
        {"allow_amx", "no", WB_INVALID_ARGUMENT, "allow_amx: expected 0, 1, false or true, got \"no\""},
        {"event_capacity", "65536", WB_OK, ""},
        {"event_capacity", "15", WB_INVALID_ARGUMENT, "event_capacity: expected a whole number in [16, 65536]"},
        {"event_capacity", "65537", WB_INVALID_ARGUMENT, "\"65537\""},
        {"default_deadline_us", "3600000000", WB_OK, ""},
        {"default_deadline_us", "3600000001", WB_INVALID_ARGUMENT, "default_deadline_us"},
        {"async_threads", "auto", WB_OK, ""},
        {"async_threads", "1024", WB_OK, ""},
        {"async_threads", "1025", WB_INVALID_ARGUMENT,
         "async_threads: expected \"auto\" or a whole number in [0, 1024]"},
        {"async_threads", "-1", WB_INVALID_ARGUMENT, "\"-1\""},
        {"queue_limt", "64", WB_NOT_FOUND,
         "option 'queue_limt': expected one of the 20 options; near: 'queue_limit', "},
        {"", "64", WB_NOT_FOUND, "option ''"},
        {"cpu_level", NULL, WB_INVALID_ARGUMENT, "cpu_level: expected a pointer"},
        {NULL, "64", WB_INVALID_ARGUMENT, "name: expected a pointer"},
},
  kLoad[] = {
      {"engines", "reference, native", WB_OK, ""},
      {"engines", "turbo", WB_INVALID_ARGUMENT, "engines: expected native, reference, torchscript"},
      {"engines", "native,", WB_INVALID_ARGUMENT, "\"native,\""},
      {"precision", "int8", WB_OK, ""},
      {"precision", "fp7", WB_INVALID_ARGUMENT,
       "precision: expected fp32, bf16, int8, int8bf16 or nothing, got \"fp7\""},
      {"verify", "true", WB_OK, ""},
      {"import_cache", "/var/cache/none", WB_OK, ""},
      {"import_cache", "relative", WB_INVALID_ARGUMENT, "import_cache: expected an absolute path, or nothing"},
      {"verifi", "true", WB_NOT_FOUND, "near: 'verify'"},
      {"trusted_keys", "owner=/no/such.pub", WB_OK, ""}, /* the load looks */
      {"signatures_required", "2,owner=1", WB_OK, ""},
      {"signatures_required", "0", WB_INVALID_ARGUMENT,
       "signatures_required: expected numbers with commas, as 2 or owner=1,risk=1, or nothing, got \"0\""},
      {"unsigned", "refused", WB_OK, ""},
      {"unsigned", "maybe", WB_INVALID_ARGUMENT, "unsigned: expected allowed, refused or nothing, got \"maybe\""},
      {"revoked", "12ab", WB_INVALID_ARGUMENT, "revoked: expected sha256 digests"},
      {"minimum_version", "2026.11.1", WB_OK, ""},
      {"minimum_version", "", WB_OK, ""},
      {"minimum_version", "2026.11.1, or later", WB_INVALID_ARGUMENT,
       "minimum_version: expected a version of 1 to 31 of [A-Za-z0-9_.+-], or nothing, got \"2026.11.1, or later\""},
      {"expected_name", "card-fraud", WB_OK, ""},
      {"bundle_bytes", "1099511627777", WB_INVALID_ARGUMENT,
       "bundle_bytes: expected a whole number in [0, 1099511627776]"},
      {"context_bytes", "268435456", WB_OK, ""},
      {"context_bytes", "0", WB_INVALID_ARGUMENT, "context_bytes: expected a whole number in [1, 1099511627776]"},
};

/* The deadline that an engine has by itself: a fallback slot keeps a second of it, so half a second is too little. */
static void own_deadline(char **argv, const char *us, int32_t expected) {
    uint64_t row[64];
    wb_engine_options *options = NULL;
    wb_engine *engine = NULL;
    wb_model *model = NULL;
    wb_schema *schema = NULL;
    wb_slot *spare = NULL;
    wb_result result = WB_RESULT_INIT;
    int64_t said = -1;
    CHECK_STATUS(WB_OK, wb_engine_options_create(&options, E));
    CHECK_STATUS(WB_OK, wb_engine_options_set(options, "default_deadline_us", us, E));
    CHECK_STATUS(WB_OK, wb_engine_create(&engine, options, E));
    CHECK_STATUS(WB_OK, wb_engine_default_deadline_us(&said, engine, E));
    CHECK(said == atoll(us));
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_engine_default_deadline_us(NULL, engine, E));
    CHECK_STATUS(WB_OK, wb_model_load(&model, engine, fixture(argv, "mlp-fallback-slot"), NULL, E));
    CHECK_STATUS(WB_OK, wb_model_schema(&schema, model, E));
    CHECK_STATUS(WB_OK, wb_slot_open(&spare, engine, "spare", WB_SLOT_CREATE, E));
    CHECK_STATUS(WB_OK, wb_slot_load(spare, fixture(argv, "mlp-v2"), NULL, E));
    fill(schema, row, "{\"amount_minor\": 1250, \"country\": \"FR\", \"online\": false}");
    CHECK_STATUS(WB_OK, wb_model_score(&result, model, row, WB_NO_DEADLINE, NULL, E));
    CHECK_STATUS(expected, wb_model_score(&result, model, row, WB_DEFAULT_DEADLINE, NULL, E));
    CHECK_STATUS(WB_OK, wb_engine_close(engine, WB_DEFAULT_DEADLINE, E));
    wb_slot_free(spare);
    wb_schema_free(schema);
    wb_model_free(model);
    wb_engine_options_free(options);
    wb_engine_free(engine);
}

/* What is set by name holds for the engine, as what the typed setters set does. */
static void take_effect(void) {
    wb_engine_options *options = NULL;
    wb_snapshot snapshot = {0};
    int i;
    snapshot.struct_size = sizeof snapshot;
    for (i = 0; i < 2; ++i) {
        wb_engine *engine = NULL;
        CHECK_STATUS(WB_OK, wb_engine_options_create(&options, E));
        CHECK_STATUS(WB_OK, i ? wb_engine_options_set_devices(options, "cpu=3", E)
                              : wb_engine_options_set(options, "devices", "cpu=3", E));
        CHECK_STATUS(WB_INVALID_ARGUMENT, wb_engine_options_set(options, "devices", "cpu=0", E));
        CHECK_STATUS(WB_OK, wb_engine_create(&engine, options, E));
        CHECK_STATUS(WB_OK, wb_engine_snapshot(&snapshot, engine, E));
        CHECK(snapshot.contexts == 3);
        wb_engine_free(engine);
        wb_engine_options_free(options);
    }
}

int main(int argc, char **argv) {
    wb_engine_options *engine = NULL;
    wb_load_options *load = NULL;
    size_t i;
    CHECK(argc == 2);
    CHECK_STATUS(WB_OK, wb_engine_options_create(&engine, E));
    CHECK_STATUS(WB_OK, wb_load_options_create(&load, E));
    CHECK(listed(wb_engine_options_describe, engine, NULL) == 20);
    CHECK(listed(wb_load_options_describe, NULL, load) == 13);
    for (i = 0; i < sizeof kEngine / sizeof *kEngine; ++i) {
        CHECK_STATUS(kEngine[i].status, wb_engine_options_set(engine, kEngine[i].name, kEngine[i].text, E));
        CHECK(strstr(kEngine[i].status < 0 ? E->message : "", kEngine[i].message) != NULL);
    }
    for (i = 0; i < sizeof kLoad / sizeof *kLoad; ++i) {
        CHECK_STATUS(kLoad[i].status, wb_load_options_set(load, kLoad[i].name, kLoad[i].text, E));
        CHECK(strstr(kLoad[i].status < 0 ? E->message : "", kLoad[i].message) != NULL);
    }
    CHECK_STATUS(WB_INVALID_HANDLE, wb_engine_options_set((wb_engine_options *)load, "devices", "cpu", E));
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_engine_options_set_default_deadline_us(engine, -1, E));
    CHECK_STATUS(WB_OK, wb_engine_options_set_async_threads(engine, WB_ASYNC_THREADS_AUTOMATIC, E));
    CHECK_STATUS(WB_OK, wb_engine_options_set_async_threads(engine, 0, E));
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_engine_options_set_async_threads(engine, -2, E));
    wb_engine_options_free(engine);
    wb_load_options_free(load);
    take_effect();
    own_deadline(argv, "500000", WB_OK_FALLBACK);
    own_deadline(argv, "3600000000", WB_OK);
    own_deadline(argv, "0", WB_OK);
    return 0;
}
