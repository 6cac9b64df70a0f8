// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "feature/encoder.hpp"
#include "feature/vocabulary.hpp"
#include "given_row.hpp"

namespace weighbridge::lib::test {

inline Feature feature(std::string name, StoredType type, std::vector<Encoding> encoding = {}) {
    Feature made;
    made.name = std::move(name);
    made.type = type;
    made.encoding = std::move(encoding);
    if (type == StoredType::timestamp) made.ticks_per_second = 1000;
    return made;
}

inline Feature sequence(std::string name, StoredType type, std::vector<Encoding> encoding = {}) {
    Feature made = feature(std::move(name), type, std::move(encoding));
    made.sequence = true;
    return made;
}

inline Feature ranged(Feature made, double least, double most) {
    made.minimum = least;
    made.maximum = most;
    return made;
}

inline DefaultValue default_number(double number) { return {number, 0, ""}; }
inline DefaultValue default_integer(int64_t integer) { return {0, integer, ""}; }
inline DefaultValue default_text(std::string text) { return {0, 0, std::move(text)}; }

inline TensorSpec tensor(std::string name, DType dtype, std::vector<int64_t> sizes, std::vector<uint32_t> features,
                         TensorSpec::Source source = TensorSpec::Source::features) {
    TensorSpec made;
    made.name = std::move(name);
    made.dtype = dtype;
    made.source = source;
    made.features = std::move(features);
    for (int64_t size : sizes) made.shape.size[static_cast<size_t>(made.shape.rank++)] = size;
    return made;
}

inline Encoding vocabulary(std::vector<std::string> keys, bool unknown_is_error) {
    return Vocabularise{*Vocabulary::make(std::move(keys)), unknown_is_error};
}

inline Encoding codes(std::vector<int64_t> keys, bool unknown_is_error) {
    return Vocabularise{*Vocabulary::make(std::move(keys)), unknown_is_error};
}

inline Expected<std::unique_ptr<const Encoder>> try_encoder(std::vector<Feature> features,
                                                            std::vector<TensorSpec> tensors, Limits limits = {}) {
    auto schema = Schema::make(std::move(features));
    if (!schema) return schema.status();
    return Encoder::make(*schema, std::move(tensors), limits);
}

// An encoder of one feature in one tensor.
struct Alone {
    explicit Alone(Feature made, DType dtype = DType::float64, int64_t width = 1)
        : encoder(*try_encoder({std::move(made)}, {tensor("x", dtype, {kBatch, width}, {0})})),
          tile(encoder->make_tile(1)) {}

    Status operator()(Given value) {
        tile.clear();
        Encoder::Append done;
        return encoder->append(tile, GivenRow({std::move(value)}), 0, notes, done);
    }
    template <class T = double>
    T at(int64_t place = 0) const {
        return load_unaligned<T>(static_cast<const std::byte *>(tile.views()[0].data) +
                                 place * static_cast<int64_t>(sizeof(T)));
    }

    std::unique_ptr<const Encoder> encoder;
    Tile tile;
    RowNotes notes;
};

template <class T>
std::vector<T> values(const TensorView &view) {
    const T *data = static_cast<const T *>(view.data);
    return {data, data + view.shape.elements()};
}

inline std::vector<int64_t> sizes(const TensorView &view) {
    return {view.shape.size.begin(), view.shape.size.begin() + view.shape.rank};
}

}  // namespace weighbridge::lib::test
