// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/expected.hpp"
#include "tensor/tensor.hpp"

namespace weighbridge::lib {

// What runs hold in an argument. A run has rows of one exact length, so a mask of real positions is true everywhere and
// the lengths are that length.
enum class Content : int32_t { data, real_mask, lengths };

struct ImportArgument {
    DType dtype = DType::float32;
    std::vector<int64_t> shape;  // kBatch first; kLength or kTokens, never both in one module
    Content content = Content::data;
    bool operator==(const ImportArgument &) const = default;
};

struct ImportOutput {
    std::string name;            // for messages
    std::string key;             // of a dict; empty for a place in a tuple or a list
    uint64_t index = 0;          // 0 as well for the only tensor
    std::vector<int64_t> shape;  // expected, symbolic as an argument's
    bool operator==(const ImportOutput &) const = default;
};

// What an importer needs to know besides the module.
struct ImportRequest {
    std::vector<ImportArgument> arguments;
    std::vector<ImportOutput> outputs;
    int64_t least_length = 0;    // of a sequence: no run has a shorter one; 0 for texts
    int64_t largest_length = 0;  // of a sequence; 0 where no argument has a length
    bool operator==(const ImportRequest &) const = default;
};

// As it crosses to a plug-in or a process, in the byte order of the machine: "WBIMPRT1"; {uint32 arguments, outputs;
// int64 least and largest length}; for each argument {int32 dtype, content, rank, 0, int64 sizes}; for each output
// {uint32 bytes of its name and key, int32 rank, 0; uint64 index; int64 sizes; name; key}. The same request is the same
// bytes.
Bytes write_request(const ImportRequest &request);
// WB_INVALID_ARGUMENT with what was expected and found.
Expected<ImportRequest> read_request(ByteView bytes);

}  // namespace weighbridge::lib
