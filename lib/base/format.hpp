// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/core.h>

#include <algorithm>
#include <string>
#include <string_view>

// fmt behind two functions: header-only fmt puts a quarter of a megabyte into every file that formats by itself.
namespace weighbridge::lib {

std::string write_text(fmt::string_view format, fmt::format_args args);
size_t write_text(char *text, size_t room, fmt::string_view format, fmt::format_args args);  // bytes wanted

template <class... Args>
std::string formatted(fmt::format_string<Args...> format, Args &&...args) {
    return write_text(format, fmt::make_format_args(args...));
}

// Text built in place, cut where it is full: what refuses a row does not allocate.
template <size_t Room>
class Line {
  public:
    template <class... Args>
    void add(fmt::format_string<Args...> format, Args &&...args) {
        size_ += write_text(text_ + size_, Room - size_, format, fmt::make_format_args(args...));
        size_ = std::min(size_, Room);
    }
    std::string_view view() const { return {text_, size_}; }

  private:
    char text_[Room];
    size_t size_ = 0;
};

}  // namespace weighbridge::lib
