// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "bundle/json_cursor.hpp"
#include "bundle/manifest_reader.hpp"

namespace weighbridge::lib {

// The sections of a manifest, each read by the file that knows it. They tell the cursor's report what is wrong.
void read_features(const JsonCursor &features, ReadManifest &out);
void read_tensors(const JsonCursor &tensors, Manifest &out);  // after features
void read_outputs(const JsonCursor &outputs, Manifest &out);

// The encoding of out.manifest.features[index], whose other fields are complete.
void read_encoding(const JsonCursor &steps, uint32_t index, ReadManifest &out);

// [A-Za-z_][A-Za-z0-9_.]{0,62}: tensors and outputs.
bool is_tensor_name(std::string_view name);
// 1 to `most` of [A-Za-z0-9_.-] and of `more`.
bool is_label(std::string_view text, size_t most, std::string_view more = {});

}  // namespace weighbridge::lib
