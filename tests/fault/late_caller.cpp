// SPDX-License-Identifier: Apache-2.0
// A library of the host's that is loaded before ours and calls it, through a pointer, when the process ends: from a
// static object, and from a destructor function, which runs after our library's own.
extern "C" __attribute__((visibility("default"))) void (*late_call)(int last);
void (*late_call)(int last) = nullptr;

namespace {

struct Static {
    ~Static() {
        if (late_call) late_call(0);
    }
} object;

__attribute__((destructor)) void destroy() {
    if (late_call) late_call(1);
}

}  // namespace
