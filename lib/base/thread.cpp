// SPDX-License-Identifier: Apache-2.0
#include "base/thread.hpp"

#include <signal.h>
#include <string.h>

namespace weighbridge::lib {
namespace {

// pthread_create's error number, 0 for none.
int create(pthread_t &thread, size_t stack_bytes, void *(*main)(void *), void *argument) {
    pthread_attr_t attributes;
    int code = pthread_attr_init(&attributes);
    if (code != 0) return code;
    sigset_t all, before;
    sigfillset(&all);
    code = pthread_attr_setstacksize(&attributes, stack_bytes);
    if (code == 0 && (code = pthread_sigmask(SIG_SETMASK, &all, &before)) == 0) {
        code = pthread_create(&thread, &attributes, main, argument);
        pthread_sigmask(SIG_SETMASK, &before, nullptr);
    }
    pthread_attr_destroy(&attributes);
    return code;
}

}  // namespace

Status start_thread(pthread_t &thread, const std::string &name, size_t stack_bytes, void *(*main)(void *),
                    void *argument) {
    if (const int code = create(thread, stack_bytes, main, argument); code != 0)
        return Status::failure(WB_OUT_OF_MEMORY, "thread '{}' could not be started: {}", name, strerrordesc_np(code));
    pthread_setname_np(thread, name.substr(0, 15).c_str());
    return {};
}

}  // namespace weighbridge::lib
