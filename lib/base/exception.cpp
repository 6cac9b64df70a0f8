// SPDX-License-Identifier: Apache-2.0
#include "base/exception.hpp"

#include <exception>
#include <new>

namespace weighbridge::lib {

Status failure_of_exception() noexcept {
    try {
        throw;
    } catch (const std::bad_alloc &) {
        return Status::failure(WB_OUT_OF_MEMORY, "out of memory");
    } catch (const std::exception &e) {
        return Status::failure(WB_INTERNAL, "internal error: {}", e.what());
    } catch (...) {
        return Status::failure(WB_INTERNAL, "internal error of an unknown kind");
    }
}

}  // namespace weighbridge::lib
