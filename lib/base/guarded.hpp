// SPDX-License-Identifier: Apache-2.0
#pragma once

// Which mutex guards what, for clang's thread-safety analysis (-Wthread-safety, the preset "clang"); nothing for
// others.
#if defined(__clang__)
#define WB_ANNOTATION(x) __attribute__((x))
#else
#define WB_ANNOTATION(x)
#endif
#define WB_MUTEX WB_ANNOTATION(capability("mutex"))
#define WB_SCOPED_LOCK WB_ANNOTATION(scoped_lockable)
#define WB_GUARDED_BY(mutex) WB_ANNOTATION(guarded_by(mutex))         // a member
#define WB_REQUIRES(mutex) WB_ANNOTATION(requires_capability(mutex))  // a function that is called under it
#define WB_ACQUIRE(...) WB_ANNOTATION(acquire_capability(__VA_ARGS__))
#define WB_RELEASE(...) WB_ANNOTATION(release_capability(__VA_ARGS__))
#define WB_TRY_ACQUIRE(...) WB_ANNOTATION(try_acquire_capability(__VA_ARGS__))
#define WB_UNCHECKED WB_ANNOTATION(no_thread_safety_analysis)  // says why beside it
