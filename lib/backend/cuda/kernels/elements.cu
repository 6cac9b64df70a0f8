// SPDX-License-Identifier: Apache-2.0
// Operators element by element, of every type: what graph/scalar_ops.hpp computes on the CPU, and floats' operators on
// views that are no rows. Threads go over elements, blockIdx.y over sequences. Integer divisions find an element's
// place: these kernels are for the few steps that the others do not take.
#include "backend/cuda/kernels/places.hpp"
#include "backend/element_formulas.hpp"

namespace weighbridge::lib::cuda {
namespace {

using namespace device;

template <class T>
struct Same {
    using type = T;
};

// Calls with a value of an element's C++ type; `computed` types alone where the others cannot come.
template <class Call>
__device__ void with_type(Element type, Call &&call) {
    switch (type) {
        case Element::float32:
            return call(Same<float>{});
        case Element::int64:
            return call(Same<int64_t>{});
        case Element::boolean:
            return call(Same<uint8_t>{});
        case Element::float64:
            return call(Same<double>{});
        case Element::int32:
            return call(Same<int32_t>{});
    }
}
template <class Call>
__device__ void with_computed(Element type, Call &&call) {
    if (type == Element::float32) return call(Same<float>{});
    if (type == Element::int64) return call(Same<int64_t>{});
    return call(Same<uint8_t>{});
}

template <class T>
inline constexpr bool kFloating = std::is_floating_point_v<T>;

// Integers wrap.
template <class T>
__device__ T wrapped(Code code, T a, T b) {
    if constexpr (std::is_same_v<T, int64_t>) {
        const auto x = static_cast<uint64_t>(a), y = static_cast<uint64_t>(b);
        return static_cast<int64_t>(code == Code::add ? x + y : code == Code::sub ? x - y : x * y);
    } else {
        return static_cast<T>(code == Code::add ? a + b : code == Code::sub ? a - b : a * b);
    }
}

__device__ int64_t floored_quotient(int64_t a, int64_t b) {
    if (b == -1) return static_cast<int64_t>(0 - static_cast<uint64_t>(a));
    const int64_t quotient = a / b;
    return a % b != 0 && (a < 0) != (b < 0) ? quotient - 1 : quotient;
}

template <class T>
__device__ T arithmetic(Code code, T a, T b) {
    switch (code) {
        case Code::minimum:
            return b != b ? b : a != a || a < b ? a : b;
        case Code::maximum:
            return b != b ? b : a != a || a > b ? a : b;
        case Code::floor_divide:
            if constexpr (std::is_same_v<T, int64_t>) return floored_quotient(a, b);
            return T{};
        case Code::remainder:
            if constexpr (std::is_same_v<T, int64_t>)
                return static_cast<int64_t>(static_cast<uint64_t>(a) -
                                            static_cast<uint64_t>(floored_quotient(a, b)) * static_cast<uint64_t>(b));
            return T{};
        default:
            return wrapped(code, a, b);
    }
}

template <class T>
__device__ uint8_t compared(Code code, T a, T b) {
    switch (code) {
        case Code::equal:
            return a == b;
        case Code::not_equal:
            return a != b;
        case Code::less:
            return a < b;
        case Code::less_equal:
            return a <= b;
        case Code::greater:
            return a > b;
        case Code::greater_equal:
            return a >= b;
        case Code::logical_and:
            return a != T{} && b != T{};
        case Code::logical_or:
            return a != T{} || b != T{};
        default:
            return (a != T{}) != (b != T{});
    }
}

template <class T, class U>
__device__ U converted(T value) {
    if constexpr (std::is_same_v<T, U>) {
        return value;
    } else if constexpr (std::is_same_v<U, uint8_t>) {
        return value != T{};
    } else if constexpr (kFloating<T> && !kFloating<U>) {
        // Beyond an integer's range devices differ: the least, as x86 has it.
        constexpr double kEnd = sizeof(U) == 8 ? 0x1p63 : 0x1p31;
        if (!(value > static_cast<T>(-kEnd) && value < static_cast<T>(kEnd))) return std::numeric_limits<U>::min();
        return static_cast<U>(value);
    } else {
        return static_cast<U>(value);
    }
}

// Of integers; floats' are formulas::applied.
__device__ int64_t changed(const Elements &e, int64_t value) {
    switch (e.code) {
        case Code::neg:
            return wrapped<int64_t>(Code::sub, 0, value);
        case Code::abs:
            return value < 0 ? wrapped<int64_t>(Code::sub, 0, value) : value;
        case Code::sign:
            return (value > 0) - (value < 0);
        case Code::square:
            return wrapped(Code::mul, value, value);
        default:  // clamp; a bound may be infinite
            if (static_cast<double>(value) < e.least) value = static_cast<int64_t>(e.least);
            if (static_cast<double>(value) > e.largest) value = static_cast<int64_t>(e.largest);
            return value;
    }
}

__device__ bool is_between(Code code, Code first, Code last) { return code >= first && code <= last; }

// An element's operands and result.
struct At {
    const Elements &e;
    const Sequence &sequence;
    int64_t x_at[3], y_at;

    __device__ At(const Elements &elements, const Sequence &of, const Sizes &sizes, int64_t element)
        : e(elements), sequence(of), y_at(index_of(elements.y, of, sizes, element)) {
        for (int i = 0; i < 3; ++i) x_at[i] = index_of(elements.x[i], of, sizes, element);
    }
    template <class T>
    __device__ const T &x(int i) const {
        return static_cast<const T *>(e.x[i].view.base)[x_at[i]];
    }
    template <class T>
    __device__ T &y() const {
        return static_cast<T *>(e.y.view.base)[y_at];
    }
};

template <class T>
__device__ void two_operands(const At &at) {
    const T a = at.x<T>(0), b = at.x<T>(1);
    if (is_between(at.e.code, Code::equal, Code::logical_xor)) {
        at.y<uint8_t>() = compared(at.e.code, a, b);
        return;
    }
    if constexpr (std::is_same_v<T, float>) {
        at.y<float>() = formulas::applied(static_cast<kernel::Binary>(at.e.code), a, b);
    } else {
        const bool divides = at.e.code == Code::floor_divide || at.e.code == Code::remainder;
        if (divides && b == T{})
            tell_fault(at.e.run, at.sequence.index, at.e.fault);
        else
            at.y<T>() = arithmetic(at.e.code, a, b);
    }
}

template <class T>
__device__ void one_operand(const At &at) {
    if constexpr (std::is_same_v<T, float>)
        at.y<float>() = formulas::applied(static_cast<kernel::Unary>(at.e.code), at.e.params, at.x<float>(0));
    else if constexpr (std::is_same_v<T, int64_t>)
        at.y<int64_t>() = changed(at.e, at.x<int64_t>(0));
    else
        at.y<uint8_t>() = at.x<uint8_t>(0) == 0;  // logical_not
}

}  // namespace

extern "C" __global__ void __launch_bounds__(kElementThreads) wb_elements(const __grid_constant__ Elements e) {
    each_element(e.run, e.shape, [&](const Sequence &sequence, const Sizes &sizes, int64_t element) {
        const At at(e, sequence, sizes, element);
        if (e.code == Code::cast)
            with_type(e.from, [&](auto from) {
                using T = typename decltype(from)::type;
                with_type(e.to, [&](auto to) {
                    using U = typename decltype(to)::type;
                    at.template y<U>() = converted<T, U>(at.template x<T>(0));
                });
            });
        else
            with_computed(e.from, [&](auto from) {
                using T = typename decltype(from)::type;
                if (e.code == Code::where)
                    at.template y<T>() = at.template x<uint8_t>(0) ? at.template x<T>(1) : at.template x<T>(2);
                else if (is_between(e.code, Code::neg, Code::round_bfloat16))
                    one_operand<T>(at);
                else
                    two_operands<T>(at);
            });
    });
}

namespace {

// Elements that are moved and not looked at, by their bytes.
template <class Call>
__device__ void with_bytes(Element type, Call &&call) {
    const int64_t bytes = element_bytes(type);
    if (bytes == 1) return call(Same<uint8_t>{});
    if (bytes == 4) return call(Same<uint32_t>{});
    return call(Same<uint64_t>{});
}

}  // namespace

extern "C" __global__ void __launch_bounds__(kElementThreads) wb_copy(const __grid_constant__ Copy c) {
    with_bytes(c.type, [&](auto type) {
        using T = typename decltype(type)::type;
        each_element(c.run, c.shape, [&](const Sequence &sequence, const Sizes &sizes, int64_t element) {
            *place<T>(c.y, sequence, sizes, element) = *place<const T>(c.x, sequence, sizes, element);
        });
    });
}

extern "C" __global__ void __launch_bounds__(kElementThreads) wb_fill(const __grid_constant__ Fill f) {
    each_element(f.run, f.shape, [&](const Sequence &sequence, const Sizes &sizes, int64_t element) {
        if (f.code == Code::iota)
            *place<int64_t>(f.y, sequence, sizes, element) = element % sizes.size[sizes.axes - 1];
        else if (f.type == Element::int64)
            *place<int64_t>(f.y, sequence, sizes, element) = at(f.number, sequence.length);
        else if (f.type == Element::boolean)
            *place<uint8_t>(f.y, sequence, sizes, element) = f.value != 0 ? 1 : 0;
        else
            *place<float>(f.y, sequence, sizes, element) = static_cast<float>(f.value);
    });
}

extern "C" __global__ void __launch_bounds__(kElementThreads) wb_gather(const __grid_constant__ Gather g) {
    with_bytes(g.type, [&](auto type) {
        using T = typename decltype(type)::type;
        each_element(g.run, g.shape, [&](const Sequence &sequence, const Sizes &sizes, int64_t element) {
            const int64_t id = *place<const int64_t>(g.ids, sequence, sizes, element);
            if (id < 0 || id >= at(g.size, sequence.length))
                tell_fault(g.run, sequence.index, g.fault);
            else
                *place<T>(g.y, sequence, sizes, element) =
                    place<const T>(g.x, sequence, sizes, element)[id * at(g.step, sequence.length)];
        });
    });
}

// A NaN is past all boundaries; else the first boundary not below the value, or above it (`right`).
extern "C" __global__ void __launch_bounds__(kElementThreads) wb_bucketize(const __grid_constant__ Bucketize b) {
    each_element(b.run, b.shape, [&](const Sequence &sequence, const Sizes &sizes, int64_t element) {
        const float value = *place<const float>(b.x, sequence, sizes, element);
        int64_t low = value != value ? b.count : 0, high = b.count;
        while (low < high) {
            const int64_t middle = (low + high) / 2;
            const bool before = b.right ? !(value < b.boundaries[middle]) : b.boundaries[middle] < value;
            before ? low = middle + 1 : high = middle;
        }
        *place<int64_t>(b.y, sequence, sizes, element) = low;
    });
}

namespace {

template <class T>
__device__ T nothing(Code code) {
    if (code == Code::reduce_sum || code == Code::reduce_mean) return T{};
    const bool most = code == Code::reduce_max;
    if constexpr (kFloating<T>) return most ? -formulas::kInfinity : formulas::kInfinity;
    if constexpr (std::is_same_v<T, uint8_t>) return !most;
    return most ? std::numeric_limits<T>::min() : std::numeric_limits<T>::max();
}

// The place of the first largest; a NaN is larger than any number.
template <class T>
__device__ int64_t argmax(const T *x, int64_t step, int64_t size) {
    int64_t best = 0;
    for (int64_t i = 1; i < size; ++i) {
        const T value = x[i * step], held = x[best * step];
        if (value > held || (value != value && held == held)) best = i;
    }
    return best;
}

template <class T>
__device__ void along(Code code, const T *x, int64_t step, int64_t size, T *y, int64_t y_step) {
    if (code == Code::cumsum) {
        T sum{};
        for (int64_t i = 0; i < size; ++i) y[i * y_step] = sum = wrapped(Code::add, sum, x[i * step]);
        return;
    }
    const Code joins = code == Code::reduce_max ? Code::maximum : code == Code::reduce_min ? Code::minimum : Code::add;
    T found = nothing<T>(code);
    for (int64_t i = 0; i < size; ++i) found = arithmetic(joins, found, x[i * step]);
    if constexpr (kFloating<T>)
        if (code == Code::reduce_mean) found = found / static_cast<float>(size);
    *y = found;
}

}  // namespace

// A thread goes along the axis of each of its elements.
extern "C" __global__ void __launch_bounds__(kElementThreads) wb_along(const __grid_constant__ Along a) {
    with_computed(a.type, [&](auto type) {
        using T = typename decltype(type)::type;
        each_element(a.run, a.shape, [&](const Sequence &sequence, const Sizes &sizes, int64_t element) {
            const T *x = place<const T>(a.x, sequence, sizes, element);
            const int64_t size = at(a.size, sequence.length), step = at(a.x_step, sequence.length);
            if (a.code == Code::argmax)
                *place<int64_t>(a.y, sequence, sizes, element) = argmax(x, step, size);
            else
                along(a.code, x, step, size, place<T>(a.y, sequence, sizes, element), at(a.y_step, sequence.length));
        });
    });
}

extern "C" __global__ void __launch_bounds__(kElementThreads) wb_matmul(const __grid_constant__ Matmul m) {
    each_element(m.run, m.shape, [&](const Sequence &sequence, const Sizes &sizes, int64_t element) {
        const float *a = place<const float>(m.a, sequence, sizes, element);
        const float *b = place<const float>(m.b, sequence, sizes, element);
        const int64_t size = at(m.k, sequence.length), a_step = at(m.a_step, sequence.length);
        const int64_t b_step = at(m.b_step, sequence.length);
        float sum = 0;
        for (int64_t k = 0; k < size; ++k) sum = fused(b[k * b_step], a[k * a_step], sum);
        *place<float>(m.y, sequence, sizes, element) = sum;
    });
}

}  // namespace weighbridge::lib::cuda
