// SPDX-License-Identifier: Apache-2.0
// Arrow arrays built by hand, each buffer in an allocation of its exact size so that AddressSanitizer sees every step
// outside.
#pragma once

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "weighbridge/c/batch.h"

namespace weighbridge::lib::test {

// An ArrowSchema with its ArrowArray and all that they point at. Not movable: children point into it.
struct Arrow {
    ArrowSchema type{};
    ArrowArray array{};

    [[gnu::noinline]] explicit Arrow(const char *format, int64_t length = 0) {
        type.format = format;
        type.name = "";
        type.release = [](ArrowSchema *) {};
        array.length = length;
        array.release = [](ArrowArray *) {};
    }
    ~Arrow();
    Arrow(const Arrow &) = delete;
    Arrow &operator=(const Arrow &) = delete;

    [[gnu::noinline]] Arrow &no_buffer() {
        buffers_.push_back(nullptr);
        return link();
    }
    template <class T>
    [[gnu::noinline]] Arrow &buffer(const std::vector<T> &values) {
        owned_.push_back(std::make_unique<unsigned char[]>(values.size() * sizeof(T)));
        if (!values.empty()) std::memcpy(owned_.back().get(), values.data(), values.size() * sizeof(T));
        buffers_.push_back(owned_.back().get());
        return link();
    }
    [[gnu::noinline]] Arrow &bytes(const std::string &text) {
        return buffer(std::vector<char>(text.begin(), text.end()));
    }
    [[gnu::noinline]] Arrow &bits(const std::string &ones) {
        std::vector<uint8_t> bits((ones.size() + 7) / 8);
        for (size_t i = 0; i < ones.size(); ++i)
            if (ones[i] == '1') bits[i / 8] = static_cast<uint8_t>(bits[i / 8] | (1u << (i % 8)));
        return buffer(bits);
    }
    [[gnu::noinline]] Arrow &child(std::unique_ptr<Arrow> child) {
        child_ = std::move(child);
        child_types_[0] = &child_->type;
        child_arrays_[0] = &child_->array;
        type.n_children = array.n_children = 1;
        type.children = child_types_;
        array.children = child_arrays_;
        return *this;
    }
    [[gnu::noinline]] Arrow &dictionary(std::unique_ptr<Arrow> values) {
        dictionary_ = std::move(values);
        type.dictionary = &dictionary_->type;
        array.dictionary = &dictionary_->array;
        return *this;
    }
    [[gnu::noinline]] Arrow &slice(int64_t offset, int64_t length) {
        array.offset = offset;
        array.length = length;
        return *this;
    }
    [[gnu::noinline]] Arrow &nulls(int64_t count) {
        array.null_count = count;
        return *this;
    }
    const void *&buffer_at(size_t index) { return buffers_[index]; }
    Arrow *child() { return child_.get(); }

  private:
    Arrow &link() {
        array.n_buffers = static_cast<int64_t>(buffers_.size());
        array.buffers = buffers_.data();
        return *this;
    }
    std::vector<std::unique_ptr<unsigned char[]>> owned_;
    std::vector<const void *> buffers_;
    std::unique_ptr<Arrow> child_, dictionary_;
    ArrowSchema *child_types_[1] = {};
    ArrowArray *child_arrays_[1] = {};
};

template <class T>
std::unique_ptr<Arrow> arrow_numbers(const char *format, const std::vector<T> &values) {
    auto made = std::make_unique<Arrow>(format, static_cast<int64_t>(values.size()));
    made->no_buffer().buffer(values);
    return made;
}

template <class Offset = int32_t>
std::unique_ptr<Arrow> arrow_texts(const char *format, const std::vector<std::string> &texts) {
    std::vector<Offset> offsets = {0};
    std::string all;
    for (const std::string &text : texts) {
        all += text;
        offsets.push_back(static_cast<Offset>(all.size()));
    }
    auto made = std::make_unique<Arrow>(format, static_cast<int64_t>(texts.size()));
    made->no_buffer().buffer(offsets).bytes(all);
    return made;
}

inline Arrow::~Arrow() = default;

// A struct array and its children.
struct ArrowTable {
    Arrow rows{"+s"};

    explicit ArrowTable(int64_t length) { rows.array.length = length; }
    ArrowTable &column(const char *name, std::unique_ptr<Arrow> values) {
        values->type.name = name;
        children.push_back(std::move(values));
        types.clear(), arrays.clear();
        for (const auto &child : children) types.push_back(&child->type), arrays.push_back(&child->array);
        rows.type.n_children = rows.array.n_children = static_cast<int64_t>(children.size());
        rows.type.children = types.data();
        rows.array.children = arrays.data();
        return *this;
    }

    std::vector<std::unique_ptr<Arrow>> children;
    std::vector<ArrowSchema *> types;
    std::vector<ArrowArray *> arrays;
};

struct ArrowView {
    int32_t size;
    char prefix[4];
    int32_t buffer;
    int32_t offset;
};

inline ArrowView inline_view(const std::string &text) {
    ArrowView view{};
    view.size = static_cast<int32_t>(text.size());
    std::memcpy(reinterpret_cast<char *>(&view) + 4, text.data(), text.size());
    return view;
}

inline std::unique_ptr<Arrow> arrow_list(const char *format, const std::vector<int32_t> &offsets,
                                         std::unique_ptr<Arrow> child) {
    auto made = std::make_unique<Arrow>(format, static_cast<int64_t>(offsets.size()) - 1);
    made->no_buffer().buffer(offsets).child(std::move(child));
    return made;
}

}  // namespace weighbridge::lib::test
