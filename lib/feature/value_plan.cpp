// SPDX-License-Identifier: Apache-2.0
#include "feature/value_plan.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/numerics.hpp"
#include "base/utf8.hpp"
#include "feature/calendar.hpp"
#include "feature/hash.hpp"
#include "feature/vocabulary.hpp"
#include "feature/zone.hpp"

namespace weighbridge::lib {
namespace {

constexpr double kTurn = 0x1.921fb54442d18p+2;  // 2 pi

}  // namespace

Fault ValuePlan::encode(const Cell &cell, int64_t index, Encoded &out, CellRead &read) const {
    switch (kind) {
        case Kind::floating: {
            double x = 0;
            read = single ? read_single(cell, index, x) : read_double(cell, index, x);
            if (read != CellRead::ok) return Fault::unreadable;
            if (!(std::fabs(x) <= std::numeric_limits<double>::max())) return x != x ? Fault::nan : Fault::infinite;
            if (ranged && (x < least || x > most)) return Fault::outside;
            return encode_number(x, out);
        }
        case Kind::integer: {
            int64_t value = 0;
            read = read_int64(cell, index, value);
            if (read != CellRead::ok) return Fault::unreadable;
            if (ranged && (value < least_integer || value > most_integer)) return Fault::outside;
            return encode_integer(value, out);
        }
        case Kind::boolean: {
            bool flag = false;
            read = read_bool(cell, index, flag);
            if (read != CellRead::ok) return Fault::unreadable;
            out.index = flag ? 1 : 0;
            return Fault::none;
        }
        case Kind::code: {
            int64_t code = 0;
            read = read_int64(cell, index, code);
            return read == CellRead::ok ? encode_code(code, out) : Fault::unreadable;
        }
        case Kind::key:
        case Kind::text: {
            std::string_view key;
            read = read_text(cell, index, key);
            if (read != CellRead::ok) return Fault::unreadable;
            if (key.size() > static_cast<size_t>(most_bytes)) return Fault::too_long;  // nothing looks at a byte before
            if (kind == Kind::key) return encode_key(key, out);
            return utf8_error(key) == std::string_view::npos ? Fault::none : Fault::not_utf8;
        }
    }
    return Fault::none;
}

Fault ValuePlan::encode_number(double x, Encoded &out) const {
    for (const Step &step : steps) {
        switch (step.op) {
            case Step::Op::log1p:
                x = numerics::log1p(x);
                break;
            case Step::Op::standardise:
                x = (x - step.a) / step.b;
                break;
            case Step::Op::clip: {
                double inside = x < step.a ? step.a : x > step.b ? step.b : x;
                out.clipped |= inside != x;
                x = inside;
                break;
            }
        }
    }
    if (lookup == Lookup::edges) {
        if (x != x) return Fault::too_large;  // infinity less infinity
        out.index = std::upper_bound(edges.begin(), edges.end(), x) - edges.begin();
        return Fault::none;
    }
    out.number[0] = x;
    double limit = fits_single ? kSingleOverflow : std::numeric_limits<double>::infinity();
    return std::fabs(x) < limit ? Fault::none : Fault::too_large;
}

Fault ValuePlan::encode_integer(int64_t value, Encoded &out) const {
    if (result != Result::cyclic) {
        double x = static_cast<double>(value);
        return encode_number(divisor == 1 ? x : x / divisor, out);
    }
    int64_t second = value / ticks, rest = value % ticks;
    if (rest < 0) {
        rest += ticks;
        --second;
    }
    int64_t offset = zone == nullptr ? 0 : zone->offset_at(second);
    int64_t local = 0;
    if (__builtin_add_overflow(second, offset, &local)) local = second % kCalendarCycle + offset;
    double fraction = static_cast<double>(rest) / static_cast<double>(ticks);
    double angle = kTurn * period_fraction(period, local, fraction);
    out.number[0] = numerics::sin(angle);
    out.number[1] = numerics::cos(angle);
    return Fault::none;
}

Fault ValuePlan::encode_key(std::string_view key, Encoded &out) const {
    if (lookup == Lookup::hash) {
        if (utf8_error(key) != std::string_view::npos) return Fault::not_utf8;
        out.index = static_cast<int64_t>(hash_key(key, seed) % static_cast<uint64_t>(indices));
        return Fault::none;
    }
    // Known keys are UTF-8, so that only an unknown one has to be looked at.
    auto found = vocabulary->find(key);
    if (!found && utf8_error(key) != std::string_view::npos) return Fault::not_utf8;
    if (!found && unknown_is_error) return Fault::unknown_key;
    out.index = found ? *found + first_index : 0;
    return Fault::none;
}

Fault ValuePlan::encode_code(int64_t code, Encoded &out) const {
    if (lookup == Lookup::hash) {
        out.index = static_cast<int64_t>(hash_key(code, seed) % static_cast<uint64_t>(indices));
        return Fault::none;
    }
    if (lookup == Lookup::identity) {
        out.index = code;
        return code >= 0 && code < indices ? Fault::none : Fault::unknown_key;
    }
    auto found = vocabulary->find(code);
    if (!found && unknown_is_error) return Fault::unknown_key;
    out.index = found ? *found + first_index : 0;
    return Fault::none;
}

}  // namespace weighbridge::lib
