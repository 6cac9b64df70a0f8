// SPDX-License-Identifier: Apache-2.0
#include "unit/cpp_api/fixture.hpp"

using namespace weighbridge;
using namespace weighbridge::test;

namespace {

Schema schema() { return Schema::load(bundle()).value(); }

template <class T>
std::string refusal(std::initializer_list<Field<T>> fields) {
    auto binding = Binding<T>::bind(schema(), fields);
    return binding ? "bound" : binding.error().message;
}

}  // namespace

TEST_CASE("a binding fills a row from a struct") {
    auto binding = bind(schema());
    Row row(binding.schema());
    CHECK(binding.fill(row, Payment{}));
    CHECK(row.encode(1).value().values<int64_t>() == std::vector<int64_t>{1});
    CHECK(row.encode(0).value().values<float>()[1] == 2.5f);
}

TEST_CASE("an empty optional makes its feature missing, and the next payment is not touched by the last") {
    auto binding = bind(schema());
    Row row(binding.schema());
    CHECK(binding.fill(row, Payment{}));
    Payment young;
    young.age_days.reset();
    CHECK(binding.fill(row, young));
    CHECK(row.is_missing(1));
}

TEST_CASE("binding names the feature and the types that do not fit") {
    struct Wrong {
        double amount;
        int online;
        std::string country;
        double age;
        std::vector<float> ages;
        uint64_t big;
    };
    CHECK(refusal<Wrong>({{"amount_minor", &Wrong::amount}}) ==
          "feature 'amount_minor': expected int64, got a member of float64");
    CHECK(refusal<Wrong>({{"amount_minor", &Wrong::big}}) ==
          "feature 'amount_minor': expected int64, got a member of uint64");
    CHECK(refusal<Wrong>({{"online", &Wrong::online}}) == "feature 'online': expected bool, got a member of int32");
    CHECK(refusal<Wrong>({{"age_days", &Wrong::age}}) ==
          "feature 'age_days': expected float32, got a member of float64");
    CHECK(refusal<Wrong>({{"age_days", &Wrong::ages}}) ==
          "feature 'age_days': expected float32, got a member of sequence of float32");
}

TEST_CASE("a required feature has to be bound, one with a default need not") {
    CHECK(refusal<Payment>({{"amount_minor", &Payment::amount_minor}, {"online", &Payment::online}}) ==
          "feature 'country': expected category (it is required), got no member");
    CHECK(refusal<Payment>({{"amount_minor", &Payment::amount_minor},
                            {"country", &Payment::country},
                            {"online", &Payment::online}}) == "bound");
}

TEST_CASE("a feature is bound once, and has to be there") {
    CHECK(refusal<Payment>({{"online", &Payment::online}, {"online", &Payment::online}}) ==
          "feature 'online': expected one member, got two");
    CHECK(refusal<Payment>({{"on_line", &Payment::online}}).find("online") != std::string::npos);
}

TEST_CASE("members of a base, narrower integers and string views are bound") {
    struct Base {
        int32_t cents = 1250;
    };
    struct Derived : Base {
        std::string_view country = "IT";
        std::optional<bool> online = true;
    };
    auto binding = Binding<Derived>::bind(
        schema(), {{"amount_minor", &Derived::cents}, {"country", &Derived::country}, {"online", &Derived::online}});
    REQUIRE(binding);
    Row row(binding->schema());
    CHECK(binding->fill(row, Derived{}));
    CHECK(row.encode(1).value().values<int64_t>() == std::vector<int64_t>{3});
}

TEST_CASE("a copy of a binding has a row of its own") {
    auto one = bind(schema());
    auto two = one;
    Payment here, there;
    there.country = "DE";
    Row *first = one.fill(here).value();
    Row *second = two.fill(there).value();
    CHECK(first != second);
    CHECK(first->encode(1).value().values<int64_t>() == std::vector<int64_t>{1});
    CHECK(second->encode(1).value().values<int64_t>() == std::vector<int64_t>{2});
}
