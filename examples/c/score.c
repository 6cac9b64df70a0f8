/* SPDX-License-Identifier: Apache-2.0 */
/* Scores one payment: score examples/bundles/card-mlp */
#include <stdio.h>
#include <weighbridge.h>

static const char payment[] =
    "{\"paid_at\": 1767229200000, \"paid_at_week\": 1767229200000, \"amount_minor\": 249900, \"amount_ratio\": 6.5,"
    " \"card_count_1d\": 4, \"since_last_s\": 95, \"abroad\": true, \"country\": \"DE\", \"mcc\": 5732,"
    " \"entry_mode\": \"ecommerce\", \"merchant\": \"Online Shop 17\"}";

int main(int argc, char **argv) {
    wb_error err = WB_ERROR_INIT;
    wb_engine *engine = NULL;
    wb_model *model = NULL;
    wb_schema *schema = NULL;
    wb_result result = WB_RESULT_INIT;
    uint64_t row[256]; /* the caller's memory: it is reused for the next payment */
    const char *bundle = argc == 2 ? argv[1] : "examples/bundles/card-mlp";

    if (wb_engine_create(&engine, NULL, &err) < 0 || wb_model_load(&model, engine, bundle, NULL, &err) < 0 ||
        wb_model_schema(&schema, model, &err) < 0 || wb_row_init(schema, row, sizeof row, &err) < 0 ||
        wb_row_set_json(schema, row, payment, sizeof payment - 1, &err) < 0 ||
        wb_model_score(&result, model, row, wb_now_ns() + 2000000, NULL, &err) < 0) /* an answer within 2 ms */
        fprintf(stderr, "%s: %s\n", wb_status_name(err.code), err.message);
    else
        printf("score %.6f band %d from %s\n", result.score, (int)result.band,
               result.status == WB_OK ? "the model" : "the fallback");

    wb_schema_free(schema);
    wb_model_free(model);
    wb_engine_free(engine);
    return err.code != 0;
}
