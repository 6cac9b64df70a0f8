// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/cancel.hpp"
#include "base/expected.hpp"

namespace weighbridge::lib {

using SharedBytes = std::shared_ptr<const Bytes>;
using FilesByName = std::map<std::string, SharedBytes>;

// Where a bundle's files come from: a directory or memory. Bundle::open checks all that it gives.
class Source {
  public:
    // A regular file, open for reading.
    class File {
      public:
        virtual ~File() = default;
        virtual uint64_t bytes() const = 0;  // when it was opened
        // As lib::File::read.
        virtual Expected<SharedBytes> read(uint64_t limit_bytes, const StopSource &stop) = 0;
        // Whether somebody has written to it since it was opened.
        virtual bool changed() const = 0;
    };

    virtual ~Source() = default;
    // What messages call it.
    virtual const std::string &label() const = 0;
    // Names of its files, sorted.
    virtual Expected<std::vector<std::string>> names() const = 0;
    // WB_INVALID_BUNDLE says what to do with what is there and may not be read as a file of a bundle; WB_IO_ERROR.
    virtual Expected<std::unique_ptr<File>> open(const std::string &name) const = 0;
    // Whether it is there no more.
    virtual bool removed() const = 0;
};

}  // namespace weighbridge::lib
