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
    CHECK(model.score(batch).value().status == WB_OK);
    for (size_t i = 0; i < all.size(); ++i) {
        auto one = model.score(binding, all[i]).value();
        CHECK(batch.scores()[i] == one.score);
        CHECK(batch.probabilities()[i] == one.probability);
        CHECK(batch.bands()[i] == one.band);
        CHECK(batch.statuses()[i] == WB_OK);
        CHECK(batch.blamed()[i] == -1);
        CHECK(batch.devices()[i] == 0);
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
    CHECK(model.score(by_rows).value().status == WB_OK);
    CHECK(model.score(by_columns).value().status == WB_OK);
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
    CHECK(model.score(batch).value().status == WB_OK_PARTIAL);
    auto result = model.score(batch).value();
    CHECK(result.is_partial());
    CHECK(result.rows == 37);
    CHECK(result.scored == 36);
    CHECK(result.invalid == 1);
    CHECK(result.first_error == 3);
    CHECK(result.fallbacks == 0);
    CHECK(result.backend == WB_BACKEND_NATIVE);
    CHECK(result.bundle_version() == "1.0.0");
    CHECK(batch.statuses()[3] == WB_INVALID_INPUT);
    CHECK(std::isnan(batch.scores()[3]));
    CHECK(batch.blamed()[3] == 0);
    CHECK(batch.devices()[3] == -1);
    CHECK(batch.devices()[4] == 0);
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
    CHECK(model.score(batch).value().status == WB_OK);
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
        CHECK(model.score(batch).value().status == WB_OK);
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
    CHECK(batch.reset(size_t{1} << 60).error().code == WB_INVALID_ARGUMENT);
    CHECK(batch.reset(SIZE_MAX).error().code == WB_INVALID_ARGUMENT);
    CHECK(batch.size() == all.size());
}

TEST_CASE("windows score parts of a batch, and copies share its results") {
    Engine e = engine();
    Model model = Model::load(e, bundle()).value();
    auto binding = bind(model.schema());
    auto all = payments();
    Batch batch = Batch::create(model.schema()).value();
    CHECK(binding.fill(batch, all));
    CHECK(model.score(batch).value().status == WB_OK);
    const std::vector<double> wanted(batch.scores().begin(), batch.scores().end());
    Batch again = Batch::create(model.schema()).value();
    CHECK(binding.fill(again, all));
    Batch copy = again.copy().value();
    CHECK(again.window(0, 20));
    CHECK(copy.window(20, all.size() - 20));
    CHECK(copy.window(30, 8).error().code == WB_INVALID_ARGUMENT);
    CHECK(model.score(again).value().status == WB_OK);
    CHECK(again.statuses()[20] == 0);
    CHECK(again.scores()[20] == 0);  // as it was made
    CHECK(model.score(copy).value().status == WB_OK);
    CHECK(std::equal(wanted.begin(), wanted.end(), again.scores().begin()));
    CHECK(again.scores().data() == copy.scores().data());
    // One is reset, the other keeps its columns and its results.
    CHECK(again.reset(1));
    CHECK(again.scores().data() != copy.scores().data());
    CHECK(copy.window(0, all.size()));
    CHECK(model.score(copy).value().status == WB_OK);
    CHECK(std::equal(wanted.begin(), wanted.end(), copy.scores().begin()));
}

TEST_CASE("numbers of structs are read where they are, whatever their width") {
    struct Narrow {
        int32_t amount = 0;
        short age = 0;
        std::string country = "FR";
        bool online = true;
    };
    Engine e = engine();
    Model model = Model::load(e, bundle()).value();
    std::vector<Narrow> all(3);
    Batch batch = Batch::create(model.schema()).value();
    std::span<const Narrow> structs = all;
    CHECK(batch.reset(3));
    CHECK(batch.column("amount_minor", structs, &Narrow::amount));
    CHECK(batch.column("age_days", structs, &Narrow::age));
    CHECK(batch.column("country", structs, &Narrow::country));
    CHECK(batch.column("online", structs, &Narrow::online));
    for (size_t i = 0; i < 3; ++i) {  // after the columns were set
        all[i].amount = 1000 * static_cast<int32_t>(i + 1);
        all[i].age = static_cast<short>(i);
    }
    CHECK(model.score(batch).value().status == WB_OK);
    for (size_t i = 0; i < 3; ++i)
        CHECK(batch.scores()[i] == Approx(expected(all[i].amount, static_cast<double>(i), france, true)).margin(1e-6));
    const double amounts[3] = {100, 200.5, 300};
    CHECK(batch.column_as(0, WB_ELEMENT_FLOAT64, amounts, sizeof(double)));
    CHECK(model.score(batch).value().status == WB_OK_PARTIAL);
    CHECK(batch.statuses()[1] == WB_INVALID_INPUT);
    CHECK(batch.column_as(2, WB_ELEMENT_FLOAT64, amounts, sizeof(double)).error().code == WB_INVALID_ARGUMENT);
}

TEST_CASE("a window becomes tensors, refused rows zeros") {
    Schema schema = Schema::load(bundle()).value();
    auto binding = bind(schema);
    auto all = payments();
    all[3].amount_minor = -1;
    Batch batch = Batch::create(schema).value();
    CHECK(binding.fill(batch, all));
    CHECK(batch.window(2, 10));
    std::vector<float> numbers(10 * 3, 77);
    std::vector<int64_t> countries(10, 77);
    CHECK(batch.tensor(0, numbers.data(), numbers.size() * sizeof(float)));
    CHECK(batch.tensor(1, countries.data(), countries.size() * sizeof(int64_t)));
    auto encoding = batch.encode().value();
    CHECK(encoding.is_partial());
    CHECK(encoding.encoded == 9);
    CHECK(encoding.first_error == 3);
    CHECK(batch.statuses()[3] == WB_INVALID_INPUT);
    CHECK(batch.statuses()[2] == WB_OK);
    for (size_t i = 0; i < 10; ++i) {
        if (i == 1) {
            CHECK(countries[i] == 0);
            CHECK((numbers[i * 3] == 0 && numbers[i * 3 + 1] == 0 && numbers[i * 3 + 2] == 0));
            continue;
        }
        Tensor alone = binding.fill(all[i + 2]).value()->encode(0).value();
        CHECK(std::memcmp(alone.data.data(), &numbers[i * 3], 3 * sizeof(float)) == 0);
    }
    CHECK(batch.tensor(0, numbers.data(), 8));
    CHECK(batch.encode().error().code == WB_BUFFER_TOO_SMALL);
    CHECK(batch.tensor(0, nullptr, 0));
    CHECK(batch.encode());
    uint8_t mask[10];
    CHECK(batch.tensor(0, numbers.data(), 120, mask).error().code == WB_INVALID_ARGUMENT);
}
