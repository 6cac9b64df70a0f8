// SPDX-License-Identifier: Apache-2.0
// Code that is written from a bundle's schema, by language.
#pragma once

#include <string>

#include "weighbridge.hpp"

namespace weighbridge::cli {

// What is to be written.
struct CodeRequest {
    Schema schema;
    std::string bundle;   // its folder's name, for the head comment
    std::string name;     // of the type, "" for the language's own
    std::string package;  // "" for none
};

// A record of Java's that Scorer.bind() takes. A Failure where a name is none of Java's, or a record cannot have so
// many components.
std::string java_record(const CodeRequest &request);

// What the fakes without the library know of a schema, as JSON. A Failure where a name or a package is asked for.
std::string json_schema(const CodeRequest &request);

}  // namespace weighbridge::cli
