// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cxxabi.h>
#include <pybind11/pybind11.h>
#include <unistd.h>

namespace weighbridge::python {

// Lets other threads of Python run while the library works. Unlike pybind11's, a thread that comes back while the
// interpreter ends sleeps for ever, as it does from Python 3.14 on: until then the interpreter ends the thread by an
// unwinding that no destructor may let through.
class Released {
  public:
    Released() : state_(PyEval_SaveThread()) {}
    ~Released() {
        try {
            PyEval_RestoreThread(state_);
        } catch (abi::__forced_unwind &) {
            for (;;) pause();
        }
    }
    Released(const Released &) = delete;
    Released &operator=(const Released &) = delete;

  private:
    PyThreadState *state_;
};

}  // namespace weighbridge::python
