// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string_view>

namespace weighbridge::lib {

// What a JSON text consists of, told in its order. An event that answers false ends the reading. Views last as long as
// the call.
class JsonEvents {
  public:
    virtual ~JsonEvents() = default;
    virtual bool null() = 0;
    virtual bool boolean(bool value) = 0;
    // As it is written: what a number becomes, its type's reader says. -?(0|[1-9][0-9]*)([.][0-9]+)?([eE][+-]?[0-9]+)?
    virtual bool number(std::string_view text) = 0;
    virtual bool string(std::string_view text) = 0;  // valid UTF-8, escapes undone
    virtual bool start_object() = 0;
    virtual bool key(std::string_view name) = 0;  // as a string; its value follows
    virtual bool end_object() = 0;
    virtual bool start_array() = 0;
    virtual bool end_array() = 0;
};

struct JsonRead {
    enum class End { complete, stopped, malformed } end;  // stopped: by an event
    size_t position;  // of malformed: the byte that cannot stand there, or the size of a text that ends too early
};

// Reads one JSON text (RFC 8259): UTF-8, no byte order mark, no comments, nothing behind it. No locale, no recursion;
// depth and duplicate keys are the events' to refuse. Throws only what the events throw, and std::bad_alloc.
JsonRead read_json(std::string_view text, JsonEvents &events);

}  // namespace weighbridge::lib
