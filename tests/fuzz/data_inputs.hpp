// SPDX-License-Identifier: Apache-2.0
// What is read of strangers besides plans, for the fuzz targets and for their corpora as tests.
#pragma once

#include <string_view>

#include "base/bytes.hpp"

namespace weighbridge::test {

// Each reads the bytes as its name says and ends the process (SIGABRT) where a promise of the reader is broken. True
// where the input was accepted.
bool try_manifest(lib::ByteView bytes);    // the text of a manifest.json
bool try_row_json(lib::ByteView bytes);    // wb_row_set_json, then the encoder
bool try_arrow(lib::ByteView bytes);       // a description of arrays (arrow_input.cpp), then the encoder
bool try_arrow_rows(lib::ByteView bytes);  // the same of a struct array, whose children are columns by name
bool try_csv(lib::ByteView bytes);         // a file of payments
bool try_signature(lib::ByteView bytes);   // a signature's file, or the statement in one
bool try_archive(lib::ByteView bytes);     // a TorchScript file
bool try_code(lib::ByteView bytes);        // a code file of one
bool try_pickle(lib::ByteView bytes);      // the data.pkl of one
bool try_reply(lib::ByteView bytes);       // what an importer process writes: a frame with a graph

struct DataInput {
    std::string_view name;
    bool (*run)(lib::ByteView bytes);
};
inline constexpr DataInput kDataInputs[] = {
    {"manifest", try_manifest},     {"row_json", try_row_json},   {"arrow", try_arrow},     {"csv", try_csv},
    {"arrow_rows", try_arrow_rows}, {"signature", try_signature}, {"archive", try_archive}, {"code", try_code},
    {"pickle", try_pickle},         {"reply", try_reply}};

}  // namespace weighbridge::test
