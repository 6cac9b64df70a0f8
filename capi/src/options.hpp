// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "barrier.hpp"
#include "base/spelling.hpp"
#include "weighbridge/c/engine.h"

namespace weighbridge::capi {

// Table row of an option of T in text form, which wb_..._options_set and the typed setters share.
template <class T>
struct Option {
    const char *name;
    const char *form;     // what `set` takes, for messages: "expected <form>"
    const char *initial;  // text that sets the default
    const char *help;
    bool (*set)(T &options, std::string_view text);  // false, and nothing set, where the text is of another form
};

template <class T, size_t N>
lib::Status set_option(const Option<T> (&table)[N], T &options, const char *name, const char *text) {
    if (!name) return null_argument("name");
    if (!text) return null_argument(name);
    std::vector<std::string_view> names;
    for (const Option<T> &option : table) {
        names.emplace_back(option.name);
        if (option.name != std::string_view(name)) continue;
        if (option.set(options, text)) return lib::Status();
        return lib::Status::failure(WB_INVALID_ARGUMENT, "{}: expected {}, got \"{:.64}\"", name, option.form, text);
    }
    return lib::Status::failure(WB_NOT_FOUND, "option '{:.64}': expected one of the {} options; near: {}", name, N,
                                lib::nearest_names(name, names));
}

template <class T, size_t N>
lib::Status describe_option(const Option<T> (&table)[N], wb_option_info *out, uint32_t index) {
    if (index >= N) return lib::Status::failure(WB_NOT_FOUND, "option: expected an index below {}, got {}", N, index);
    wb_option_info info{};
    copy_text(info.name, table[index].name);
    copy_text(info.form, table[index].form);
    copy_text(info.initial, table[index].initial);
    copy_text(info.help, table[index].help);
    return fill_struct(out, info, WB_OPTION_INFO_SIZE_V1);
}

inline bool parse_flag(std::string_view text, bool &out) {
    const bool yes = text == "1" || text == "true";
    if (!yes && text != "0" && text != "false") return false;
    out = yes;
    return true;
}

}  // namespace weighbridge::capi
