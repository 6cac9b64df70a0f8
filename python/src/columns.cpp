// SPDX-License-Identifier: Apache-2.0
// Columns of numpy memory: numbers, times, and pandas categories. Read where they lie; only what is missing is noted.
#include <cmath>
#include <cstring>
#include <limits>
#include <variant>

#include "block.hpp"
#include "values.hpp"

namespace weighbridge::python {
namespace {

int32_t element_type(const py::dtype &dtype) {
    const auto size = dtype.itemsize();
    const int width = size == 1 ? 0 : size == 2 ? 1 : size == 4 ? 2 : 3;
    constexpr int32_t kSigned[] = {WB_ELEMENT_INT8, WB_ELEMENT_INT16, WB_ELEMENT_INT32, WB_ELEMENT_INT64};
    constexpr int32_t kUnsigned[] = {WB_ELEMENT_UINT8, WB_ELEMENT_UINT16, WB_ELEMENT_UINT32, WB_ELEMENT_UINT64};
    constexpr int32_t kFloats[] = {-1, WB_ELEMENT_FLOAT16, WB_ELEMENT_FLOAT32, WB_ELEMENT_FLOAT64};
    const bool native = dtype.byteorder() != '>' && size <= 8;
    switch (native ? dtype.kind() : '?') {
        case 'b':
            return WB_ELEMENT_BOOL;
        case 'i':
            return kSigned[width];
        case 'u':
            return kUnsigned[width];
        case 'f':
            return kFloats[width];
        default:
            fail(WB_INVALID_ARGUMENT, "column: expected numbers, got " + std::string(py::str(dtype)));
    }
}

template <class T, class IsMissing>
void note_missing(const py::array &values, Validity &validity, IsMissing is_missing) {
    const auto *from = static_cast<const char *>(values.data());
    const py::ssize_t step = values.strides(0);
    for (py::ssize_t i = 0; i < values.shape(0); ++i) {
        T value;
        std::memcpy(&value, from + i * step, sizeof value);
        if (is_missing(value)) validity.clear(static_cast<size_t>(i));
    }
}

void note_nan(const py::array &values, Validity &validity) {
    switch (values.itemsize()) {
        case 2:
            return note_missing<uint16_t>(values, validity, [](uint16_t half) { return (half & 0x7fff) > 0x7c00; });
        case 4:
            return note_missing<float>(values, validity, [](float x) { return std::isnan(x); });
        default:
            return note_missing<double>(values, validity, [](double x) { return std::isnan(x); });
    }
}

using Missing = std::optional<py::array_t<bool>>;  // true where a row has no value

void note_mask(const Missing &missing, Validity &validity) {
    if (!missing) return;
    const auto mask = missing->unchecked<1>();
    for (py::ssize_t i = 0; i < mask.shape(0); ++i)
        if (mask(i)) validity.clear(static_cast<size_t>(i));
}

void expect_rows(const Block &block, uint32_t feature, const py::array &values) {
    const std::string name = block.feature(feature).name;
    if (values.ndim() > 1)
        fail(WB_INVALID_ARGUMENT, "column '" + name + "': expected one dimension, got " + std::to_string(values.ndim()),
             static_cast<int32_t>(feature));
    if (values.ndim() == 1 && values.shape(0) != block.rows())
        fail(WB_INVALID_ARGUMENT,
             "column '" + name + "': expected " + std::to_string(block.rows()) + " rows, got " +
                 std::to_string(values.shape(0)),
             static_cast<int32_t>(feature));
}

// Numbers or bools of any width; an array without dimension serves all rows.
void set_numbers(Block &block, uint32_t feature, const py::array &values, const Missing &missing) {
    expect_rows(block, feature, values);
    const int32_t type = element_type(values.dtype());
    const bool shared = values.ndim() == 0;
    auto &validity = block.keep(Validity(static_cast<size_t>(block.rows())));
    if (missing) {
        expect_rows(block, feature, *missing);
        note_mask(missing, validity);
    }
    const bool floats = values.dtype().kind() == 'f';
    if (floats && !shared && nan_is_missing(block.feature(feature))) note_nan(values, validity);
    block.keep(values);
    block.set_column(feature, type, values.data(), shared ? 0 : values.strides(0), validity.bits());
}

// Whether an array of floats says "missing" for every row: what pandas makes of a column without values.
bool all_nan(const py::array &values) {
    Validity validity(static_cast<size_t>(values.shape(0)));
    note_nan(values, validity);
    py::ssize_t missing = 0;
    for (py::ssize_t i = 0; i < values.shape(0) && validity.bits(); ++i)
        missing += !((validity.bits()[i / 8] >> (i % 8)) & 1);
    return missing == values.shape(0);
}

void no_release(ArrowSchema *) {}
void no_release(ArrowArray *) {}

// An Arrow array of one buffer beside its validity, over memory that the block keeps.
struct Borrowed {
    ArrowSchema type{};
    ArrowArray array{};
    const void *buffers[3] = {nullptr, nullptr, nullptr};
    std::string format;
};

Borrowed &borrow(Block &block, std::string format, int64_t length, const uint8_t *validity, const void *data) {
    Borrowed &made = block.keep(Borrowed{});
    made.format = std::move(format);
    made.type.format = made.format.c_str();
    made.type.flags = ARROW_FLAG_NULLABLE;
    made.type.release = no_release;
    made.buffers[0] = validity;
    made.buffers[1] = data;
    made.array.length = length;
    made.array.null_count = validity ? -1 : 0;
    made.array.n_buffers = 2;
    made.array.buffers = made.buffers;
    made.array.release = no_release;
    return made;
}

// datetime64 as its integers, one behind the other, each `seconds` long, or 1 / `ticks_per_second` where that is 0.
// numpy's times are UTC. The reader sees to the feature's unit.
void set_times(Block &block, uint32_t feature, const py::array_t<int64_t, py::array::c_style> &values, int64_t seconds,
               int64_t ticks_per_second, const Missing &missing) {
    expect_rows(block, feature, values);
    constexpr int64_t kNaT = std::numeric_limits<int64_t>::min();
    auto &validity = block.keep(Validity(static_cast<size_t>(block.rows())));
    note_mask(missing, validity);
    note_missing<int64_t>(values, validity, [](int64_t ticks) { return ticks == kNaT; });
    const int64_t *ticks = values.data();
    block.keep(values);
    if (seconds > 1) {
        auto &scaled = block.keep(std::vector<int64_t>(static_cast<size_t>(block.rows())));
        for (size_t i = 0; i < scaled.size(); ++i)
            if (ticks[i] != kNaT && __builtin_mul_overflow(ticks[i], seconds, &scaled[i]))
                fail(WB_INVALID_INPUT,
                     "row " + std::to_string(i) + ": feature '" + block.feature(feature).name +
                         "': expected a time in 64 bits of seconds, got one beyond",
                     static_cast<int32_t>(feature), static_cast<int64_t>(i));
        ticks = scaled.data();
    }
    const char *format = ticks_per_second == 1000000000 ? "tsn:UTC"
                         : ticks_per_second == 1000000  ? "tsu:UTC"
                         : ticks_per_second == 1000     ? "tsm:UTC"
                                                        : "tss:UTC";
    const Borrowed &made = borrow(block, format, block.rows(), validity.bits(), ticks);
    block.set_arrow(feature, made.type, made.array);
}

struct Dictionary {
    Borrowed keys;
    std::vector<int64_t> offsets;
    std::string text;
};

using Integers = py::array_t<int64_t, py::array::c_style>;

// Codes of any integer width, one behind the other, negative where a row has no value, of keys: integers, or a list of
// str.
void set_categories(Block &block, uint32_t feature, const py::array &codes,
                    const std::variant<Integers, py::list> &keys) {
    expect_rows(block, feature, codes);
    auto &validity = block.keep(Validity(static_cast<size_t>(block.rows())));
    const char *formats[] = {"c", "s", "i", "l"};
    const auto size = codes.itemsize();
    const int width = size == 1 ? 0 : size == 2 ? 1 : size == 4 ? 2 : 3;
    if (codes.dtype().kind() != 'i' || (codes.shape(0) > 1 && codes.strides(0) != size))
        fail(WB_INVALID_ARGUMENT, "codes: expected integers one behind the other");
    auto negative = [](auto code) { return code < 0; };
    if (width == 0)
        note_missing<int8_t>(codes, validity, negative);
    else if (width == 1)
        note_missing<int16_t>(codes, validity, negative);
    else if (width == 2)
        note_missing<int32_t>(codes, validity, negative);
    else
        note_missing<int64_t>(codes, validity, negative);
    block.keep(codes);

    Dictionary &dictionary = block.keep(Dictionary{});
    const auto *names = std::get_if<py::list>(&keys);
    if (names) {
        py::list kept;
        dictionary.offsets.push_back(0);
        for (py::handle key : *names) {
            dictionary.text += utf8_of(key, kept);
            dictionary.offsets.push_back(static_cast<int64_t>(dictionary.text.size()));
        }
    } else {
        block.keep(std::get<Integers>(keys));
    }
    dictionary.keys.format = names ? "U" : "l";
    dictionary.keys.type.format = dictionary.keys.format.c_str();
    dictionary.keys.type.release = no_release;
    dictionary.keys.buffers[1] = names ? static_cast<const void *>(dictionary.offsets.data())
                                       : static_cast<const void *>(std::get<Integers>(keys).data());
    dictionary.keys.buffers[2] = dictionary.text.data();
    dictionary.keys.array.length =
        names ? static_cast<int64_t>(names->size()) : static_cast<int64_t>(std::get<Integers>(keys).size());
    dictionary.keys.array.n_buffers = names ? 3 : 2;
    dictionary.keys.array.buffers = dictionary.keys.buffers;
    dictionary.keys.array.release = no_release;

    Borrowed &made = borrow(block, formats[width], block.rows(), validity.bits(), codes.data());
    made.type.dictionary = &dictionary.keys.type;
    made.array.dictionary = &dictionary.keys.array;
    block.set_arrow(feature, made.type, made.array);
}

}  // namespace

void register_columns(py::module_ &module) {
    module.def("set_numbers", &set_numbers, py::arg("block"), py::arg("feature"), py::arg("values"),
               py::arg("missing"));
    module.def("set_times", &set_times, py::arg("block"), py::arg("feature"), py::arg("values"), py::arg("seconds"),
               py::arg("ticks_per_second"), py::arg("missing"));
    module.def("set_categories", &set_categories, py::arg("block"), py::arg("feature"), py::arg("codes"),
               py::arg("keys"));
    module.def("all_nan", &all_nan, py::arg("values"));
}

}  // namespace weighbridge::python
