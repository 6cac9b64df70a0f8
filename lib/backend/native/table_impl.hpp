// SPDX-License-Identifier: Apache-2.0
// The last header of a level's translation unit: its table of kernels. WB_LEVEL names the
// level's namespace, WB_LEVEL_ID its Level; WB_VNNI, WB_BF16 and WB_AMX say what it has.
#include <type_traits>
#include <utility>

#include "backend/native/kernels.hpp"
#include "backend/native/tables.hpp"
#include "base/numerics.hpp"
#include "base/numerics_trig_formulas.hpp"

// Each uses those before it.
// clang-format off
#include "backend/native/math_impl.hpp"
#include "backend/native/tile_impl.hpp"
#include "backend/native/int8_impl.hpp"
#include "backend/native/rows_impl.hpp"
#include "backend/native/attention_impl.hpp"
#include "backend/native/trig_impl.hpp"
#include "backend/native/elementwise_impl.hpp"
#include "backend/native/recurrence_impl.hpp"
#include "backend/native/dot_avx512_impl.hpp"
#ifdef WB_AMX
#include "backend/native/amx_impl.hpp"
#endif
// clang-format on

namespace weighbridge::lib::native::WB_LEVEL {

const Kernels &table() noexcept {
    static constexpr Kernels kTable = {
        Level::WB_LEVEL_ID,
        linear_f32,
        quantise_rows,
#if defined(WB_AMX)
        linear_i8_amx,
#elif defined(WB_VNNI)
        linear_i8_vnni,
#elif defined(WB_VECTOR_I8)
        linear_i8_pairs,
#else
        linear_i8_plain,
#endif
        round_rows_bf16,
#if defined(WB_AMX)
        linear_bf16_amx,
        attention_f32,
        attention_bf16_amx,
#elif defined(WB_BF16)
        linear_bf16,
        attention_f32,
        attention_bf16,
#else
        nullptr,
        attention_f32,
        nullptr,
#endif
        gates,
        layer_norm,
        softmax_last,
        sum_last,
        max_last,
        min_last,
        add_rows,
        max_rows,
        min_rows,
        unary,
        binary,
    };
    return kTable;
}

}  // namespace weighbridge::lib::native::WB_LEVEL
