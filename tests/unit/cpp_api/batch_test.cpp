// SPDX-License-Identifier: Apache-2.0
#include "unit/cpp_api/fixture.hpp"

using namespace weighbridge;
using namespace weighbridge::test;

namespace {

std::vector<Payment> payments() {
    std::vector<Payment> out(37);
    const char *countries[] = {"FR", "DE", "IT", "XX"};
    for (size_t i = 0; i < out.size(); ++i) {
        out[i].amount_minor = static_cast<int64_t>(i * i * 31);
        if (i % 5 == 0) out[i].age_days.reset();
        if (out[i].age_days) out[i].age_days = static_cast<float>(i) * 0.5f;
        out[i].country = countries[i % 4];
        out[i].online = i % 3 == 0;
    }
    return out;
}

}  // namespace

TEST_CASE("structs as columns score as they do one by one, to the bit") {
    Engine e = engine();
    Model model = Model::load(e, bundle()).value();
    auto binding = bind(model.schema());
    auto all = payments();
    Batch batch = Batch::create(model.schema()).value();
    CHECK(binding.fill(batch, all));
    CHECK(model.score(batch).value() == WB_OK);
    for (size_t i = 0; i < all.size(); ++i) {
        auto one = model.score(binding, all[i]).value();
        CHECK(batch.scores()[i] == one.score);
        CHECK(batch.probabilities()[i] == one.probability);
        CHECK(batch.bands()[i] == one.band);
        CHECK(batch.statuses()[i] == WB_OK);
        CHECK(batch.blamed()[i] == -1);
    }
}

TEST_CASE("rows score as columns do") {
    Engine e = engine();
    Model model = Model::load(e, bundle()).value();
    auto binding = bind(model.schema());
    auto all = payments();
    Rows rows(model.schema());
    for (const Payment &payment : all) rows.push_back(*binding.fill(payment).value());
    Batch by_rows = Batch::create(model.schema()).value(), by_columns = Batch::create(model.schema()).value();
    CHECK(by_rows.rows(rows));
    CHECK(binding.fill(by_columns, all));
    CHECK(model.score(by_rows).value() == WB_OK);
    CHECK(model.score(by_columns).value() == WB_OK);
    CHECK(std::equal(by_rows.scores().begin(), by_rows.scores().end(), by_columns.scores().begin()));
}

TEST_CASE("one wrong row does not spoil the others") {
    Engine e = engine();
    Model model = Model::load(e, bundle()).value();
    auto binding = bind(model.schema());
    auto all = payments();
    all[3].amount_minor = -1;
    Batch batch = Batch::create(model.schema()).value();
    CHECK(binding.fill(batch, all));
    CHECK(model.score(batch).value() == WB_OK_PARTIAL);
    CHECK(batch.statuses()[3] == WB_INVALID_INPUT);
    CHECK(std::isnan(batch.scores()[3]));
    CHECK(batch.blamed()[3] == 0);
    CHECK(batch.statuses()[4] == WB_OK);
    CHECK(batch.check(3).error().feature == 0);
    CHECK(batch.check(4));
}

TEST_CASE("a stride of zero shares a value among all rows") {
    Engine e = engine();
    Model model = Model::load(e, bundle()).value();
    Batch batch = Batch::create(model.schema()).value();
    int64_t amount = 1250;
    float ages[3] = {0, 1, 2};
    wb_view country = {"FR", 2};
    uint8_t online = 1;
    CHECK(batch.reset(3));
    CHECK(batch.column(0, &amount, 0));
    CHECK(batch.column(1, ages, sizeof(float)));
    CHECK(batch.column(2, &country, 0));
    CHECK(batch.column(3, &online, 0));
    CHECK(model.score(batch).value() == WB_OK);
    for (size_t i = 0; i < 3; ++i)
        CHECK(batch.scores()[i] == Approx(expected(1250, static_cast<double>(i), france, true)).margin(1e-6));
}

TEST_CASE("a batch is used again, smaller, larger and empty") {
    Engine e = engine();
    Model model = Model::load(e, bundle()).value();
    auto binding = bind(model.schema());
    auto all = payments();
    Batch batch = Batch::create(model.schema()).value();
    for (size_t size : {5u, 37u, 0u, 1u}) {
        CHECK(binding.fill(batch, std::span(all).first(size)));
        CHECK(model.score(batch).value() == WB_OK);
        REQUIRE(batch.scores().size() == size);
        for (size_t i = 0; i < size; ++i) CHECK(batch.scores()[i] == model.score(binding, all[i]).value().score);
    }
}

TEST_CASE("other outputs come as columns") {
    Engine e = engine();
    Model model = Model::load(e, bundle()).value();
    auto binding = bind(model.schema());
    auto all = payments();
    std::vector<float> logits(all.size());
    Batch batch = Batch::create(model.schema()).value();
    CHECK(binding.fill(batch, all));
    CHECK(batch.output(1, logits.data(), sizeof(float)));
    CHECK(model.score(batch));
    for (size_t i = 0; i < all.size(); ++i)
        CHECK(1.0 / (1.0 + std::exp(-static_cast<double>(logits[i]))) == Approx(batch.scores()[i]).margin(1e-6));
}

TEST_CASE("columns are checked") {
    Engine e = engine();
    Model model = Model::load(e, bundle()).value();
    auto all = payments();
    Batch batch = Batch::create(model.schema()).value();
    CHECK(batch.reset(2));
    CHECK(batch.column(0, std::span<const Payment>(all), &Payment::amount_minor).error().code == WB_INVALID_ARGUMENT);
    CHECK(batch.reset(all.size()));
    CHECK(batch.column("online", std::span<const Payment>(all), &Payment::amount_minor).error().code ==
          WB_INVALID_INPUT);
    CHECK(batch.column("no_such", std::span<const Payment>(all), &Payment::online).error().code == WB_NOT_FOUND);
    CHECK(batch.column(99, std::span<const Payment>(all), &Payment::online).error().code == WB_INVALID_ARGUMENT);
    CHECK(batch.reset(1 << 30).error().code == WB_INVALID_ARGUMENT);
}
