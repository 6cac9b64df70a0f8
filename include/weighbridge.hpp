// SPDX-License-Identifier: Apache-2.0
/// @file weighbridge.hpp
/// The C++20 API of Weighbridge: header-only over the C ABI of weighbridge.h, so one library serves every compiler.
///
///  1. What can fail returns Expected<T>: a value or an Error {code, message, feature, row}. value() throws Exception,
///     and exists only in programs that are compiled with exceptions.
///  2. Engine, Model, Slot, Queue, Batch, Call and CancelToken own a handle and are move-only. Any order of destroying
///  is safe.
///  3. Engine, Model, Slot, Queue and Schema are thread-safe. Row, Rows, Batch, Call and a Binding's own row are for
///  one thread
///     at a time.
///  4. Money is int64 minor units. Deadlines are budgets, steady_clock time points, or CLOCK_MONOTONIC nanoseconds.
///
/// @code
/// struct Payment { int64_t amount_minor; std::string country; };
/// auto engine = weighbridge::Engine::create().value();
/// auto model = weighbridge::Model::load(engine, "bundle").value();
/// auto binding = weighbridge::Binding<Payment>::bind(model.schema(), {{"amount_minor", &Payment::amount_minor},
///                                                                     {"country", &Payment::country}}).value();
/// auto result = model.score(binding, Payment{1250, "FR"}, std::chrono::milliseconds(2)).value();
/// @endcode
#pragma once

#if defined(__cplusplus) && __cplusplus <= 201703L
#error "weighbridge.hpp needs C++20: compile with -std=c++20 or newer"
#else

#include "weighbridge/batch.hpp"
#include "weighbridge/binding.hpp"
#include "weighbridge/bundle.hpp"
#include "weighbridge/call.hpp"
#include "weighbridge/engine.hpp"
#include "weighbridge/error.hpp"
#include "weighbridge/model.hpp"
#include "weighbridge/queue.hpp"
#include "weighbridge/row.hpp"
#include "weighbridge/schema.hpp"
#include "weighbridge/signing.hpp"
#include "weighbridge/slot.hpp"
#include "weighbridge/source.hpp"
#include "weighbridge/value.hpp"

#endif
