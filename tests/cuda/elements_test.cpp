// SPDX-License-Identifier: Apache-2.0
// The device's kernels by sequence, element by element, against the CPU's scalar operators on views of every kind.
#include "backend/reference/twins.hpp"
#include "cuda/device_run.hpp"
#include "graph/scalar_ops.hpp"
#include "tensor/tensor.hpp"

namespace {

using namespace cuda_kernels;
namespace lib = weighbridge::lib;
namespace scalar = weighbridge::lib::scalar;
namespace twins = weighbridge::lib::reference::twins;

static_assert(static_cast<int>(Element::float32) == static_cast<int>(lib::DType::float32) &&
              static_cast<int>(Element::float64) == static_cast<int>(lib::DType::float64) &&
              static_cast<int>(Element::int64) == static_cast<int>(lib::DType::int64) &&
              static_cast<int>(Element::int32) == static_cast<int>(lib::DType::int32) &&
              static_cast<int>(Element::boolean) == static_cast<int>(lib::DType::boolean));
static_assert(kMostAxes == lib::kMaxRank);

// A shape of up to 4 axes, one of them as long as the sequence now and then.
Shape some_shape(Random &random) {
    Shape shape;
    shape.axes = static_cast<int>(random.between(0, 4));
    const int64_t long_axis = random.between(0, 4);
    for (int i = 0; i < shape.axes; ++i)
        shape.size[i] = i == long_axis ? Terms{random.between(0, 1), 1, 0} : Terms{random.between(1, 4), 0, 0};
    return shape;
}

// Elements of a run by a random view: axes in any order, with gaps, some repeated (never of a result).
template <class T>
struct Viewed {
    StridedView view;
    Guarded<T> data;

    Viewed(Random &random, Packed &run, const Shape &shape, bool repeats, const Terms &extra = {1, 0, 0})
        : view(made(random, shape, repeats, extra)), data(run.sum(view.view.piece)) {
        view.view.base = data.data();
    }
    // Element `index`, row-major, of sequence i; the sizes are the shape's.
    T &at(Packed &run, const Shape &shape, int64_t i, int64_t index) {
        const int64_t l = run.length(i);
        int64_t place = run.sum(view.view.piece, i) + value(view.view.offset, l);
        for (int axis = shape.axes; axis-- > 0;) {
            const int64_t size = value(shape.size[axis], l);
            place += index % size * value(view.stride[axis], l);
            index /= size;
        }
        return data[place];
    }

  private:
    static Terms times(const Terms &a, const Terms &b) {
        return {a.a * b.a, a.a * b.b + a.b * b.a, a.a * b.c + a.b * b.b + a.c * b.a};
    }
    static StridedView made(Random &random, const Shape &shape, bool repeats, const Terms &extra) {
        StridedView view;
        std::vector<int> order(static_cast<size_t>(shape.axes));
        std::iota(order.begin(), order.end(), 0);
        for (size_t i = order.size(); i > 1; --i)
            std::swap(order[i - 1], order[static_cast<size_t>(random.between(0, static_cast<int64_t>(i) - 1))]);
        view.view.offset = {random.between(0, 2), 0, 0};
        Terms stride = extra;
        for (int axis : order) {
            if (repeats && random.between(0, 3) == 0) continue;
            view.stride[axis] = stride;
            stride = times(stride, shape.size[axis]);
        }
        view.view.piece = stride;
        view.view.piece.a += view.view.offset.a;
        return view;
    }
};

template <class T>
T some(Random &random) {
    if constexpr (std::is_same_v<T, float> || std::is_same_v<T, double>) {
        const float specials[] = {NAN, INFINITY, -INFINITY, 0.0f, -0.0f, 1e-40f, 2.5f, 3e38f};
        return random.between(0, 3) ? random.normal() * 3 : specials[random.between(0, 7)];
    } else if constexpr (std::is_same_v<T, uint8_t>) {
        return static_cast<uint8_t>(random.between(0, 1));
    } else {
        const T ends[] = {std::numeric_limits<T>::min(), std::numeric_limits<T>::max(), 0, -1};
        return random.between(0, 3) ? static_cast<T>(random.between(-9, 9)) : ends[random.between(0, 3)];
    }
}
template <class T>
void fill_some(Random &random, Guarded<T> &data) {
    for (int64_t i = 0; i < data.size(); ++i) data[i] = some<T>(random);
}
template <class T>
bool alike(T a, T b) {
    if constexpr (std::is_floating_point_v<T>) return std::memcmp(&a, &b, sizeof a) == 0 || (a != a && b != b);
    return a == b;
}

// Launches and compares: expect(sequence, element) is what an element of y must be.
template <class T, class Arguments, class Expect>
void check_elements(Random &random, const char *name, Arguments arguments, Packed &run, const Shape &shape,
                    Viewed<T> &y, Expect expect) {
    arguments.run = run.run();
    arguments.shape = shape;
    arguments.y = y.view;
    for (auto order : {cuda_sim::Order::ascending, cuda_sim::Order::descending, cuda_sim::Order::shuffled}) {
        y.data.fill(T{});
        const cuda_sim::Dim blocks = some_blocks(random);
        launch(name, arguments, blocks, 0, order, random.bits());
        for (int64_t i = 0; i < run.size(); ++i) {
            int64_t count = 1;
            for (int axis = 0; axis < shape.axes; ++axis) count *= value(shape.size[axis], run.length(i));
            for (int64_t element = 0; element < count; ++element) {
                const T expected = expect(i, element), found = y.at(run, shape, i, element);
                if (alike(expected, found)) continue;
                CAPTURE(name, i, element, +expected, +found, shape.axes);
                FAIL("another element than the CPU's");
            }
        }
    }
}

template <class T, class Result, class Compute>
void check_two(Random &random, Code code, Compute compute) {
    for (int round = 0; round < 4; ++round) {
        Packed run(some_lengths(random, 5, 6));
        const Shape shape = some_shape(random);
        Viewed<T> a(random, run, shape, true), b(random, run, shape, true);
        Viewed<Result> y(random, run, shape, false);
        fill_some(random, a.data), fill_some(random, b.data);
        Elements e;
        e.code = code, e.fault = 7;
        e.from = std::is_same_v<T, float>     ? Element::float32
                 : std::is_same_v<T, int64_t> ? Element::int64
                                              : Element::boolean;
        e.x[0] = a.view, e.x[1] = b.view;
        CAPTURE(static_cast<int>(code));
        check_elements(random, "wb_elements", e, run, shape, y, [&](int64_t i, int64_t element) {
            return compute(run, i, a.at(run, shape, i, element), b.at(run, shape, i, element));
        });
    }
}
template <class T, class Compute>
void check_one(Random &random, Code code, lib::Node node, Compute compute) {
    for (int round = 0; round < 4; ++round) {
        Packed run(some_lengths(random, 5, 6));
        const Shape shape = some_shape(random);
        Viewed<T> a(random, run, shape, true), y(random, run, shape, false);
        fill_some(random, a.data);
        Elements e;
        e.code = code;
        e.from = std::is_same_v<T, float>     ? Element::float32
                 : std::is_same_v<T, int64_t> ? Element::int64
                                              : Element::boolean;
        e.x[0] = a.view;
        e.least = node.attributes.least, e.largest = node.attributes.largest;
        e.params = {0.5f, 20.0f};
        CAPTURE(static_cast<int>(code));
        check_elements(random, "wb_elements", e, run, shape, y,
                       [&](int64_t i, int64_t element) { return compute(node, a.at(run, shape, i, element)); });
    }
}

template <class T>
void check_comparisons(Random &random) {
    for (int code = static_cast<int>(Code::equal); code <= static_cast<int>(Code::logical_xor); ++code) {
        if (code >= static_cast<int>(Code::logical_and) && !std::is_same_v<T, uint8_t>) continue;
        check_two<T, uint8_t>(random, static_cast<Code>(code), [&](Packed &, int64_t, T a, T b) {
            return scalar::compared(static_cast<lib::Op>(code), a, b);
        });
    }
}

template <class T, class U>
void check_cast(Random &random, Element from, Element to) {
    Packed run(some_lengths(random, 5, 6));
    const Shape shape = some_shape(random);
    Viewed<T> a(random, run, shape, true);
    Viewed<U> y(random, run, shape, false);
    for (int64_t i = 0; i < a.data.size(); ++i) {
        a.data[i] = some<T>(random);
        // Beyond an int32's range x86 has no answer that C++ defines.
        if constexpr (std::is_same_v<U, int32_t> && std::is_floating_point_v<T>)
            a.data[i] = static_cast<T>(random.between(-1000, 1000)) / 8;
    }
    Elements e;
    e.code = Code::cast, e.from = from, e.to = to;
    e.x[0] = a.view;
    CAPTURE(static_cast<int>(from), static_cast<int>(to));
    check_elements(random, "wb_elements", e, run, shape, y,
                   [&](int64_t i, int64_t element) { return scalar::converted<T, U>(a.at(run, shape, i, element)); });
}
template <class T>
void check_casts(Random &random, Element from) {
    check_cast<T, float>(random, from, Element::float32);
    check_cast<T, double>(random, from, Element::float64);
    check_cast<T, int64_t>(random, from, Element::int64);
    check_cast<T, int32_t>(random, from, Element::int32);
    check_cast<T, uint8_t>(random, from, Element::boolean);
}

}  // namespace

TEST_CASE("a device's scalar operators give the CPU's elements") {
    Random random(41);
    check_comparisons<float>(random);
    check_comparisons<int64_t>(random);
    check_comparisons<uint8_t>(random);
    for (auto code : {Code::add, Code::sub, Code::mul, Code::minimum, Code::maximum})
        check_two<int64_t, int64_t>(random, code, [&](Packed &, int64_t, int64_t a, int64_t b) {
            return scalar::arithmetic(static_cast<lib::Op>(code), a, b);
        });
    for (auto code : {Code::floor_divide, Code::remainder})
        check_two<int64_t, int64_t>(random, code, [&](Packed &run, int64_t i, int64_t a, int64_t b) {
            if (b == 0) REQUIRE(run.faults[i] == 7);
            return b == 0 ? 0 : scalar::arithmetic(static_cast<lib::Op>(code), a, b);
        });
    for (auto op : kernel::kBinaries)
        check_two<float, float>(random, static_cast<Code>(op), [&](Packed &, int64_t, float a, float b) {
            float y;
            twins::binary(op, &a, 1, &b, 1, &y, 1);
            return y;
        });
    for (auto op : kernel::kUnaries)
        check_one<float>(random, static_cast<Code>(op), {}, [&](const lib::Node &, float a) {
            float y;
            twins::unary(op, {0.5f, 20.0f}, &a, &y, 1);
            return y;
        });
    for (auto code : {Code::neg, Code::abs, Code::sign, Code::square, Code::clamp}) {
        lib::Node node;
        node.op = static_cast<lib::Op>(code);
        node.attributes.least = -3, node.attributes.largest = random.between(0, 1) ? 4.0 : INFINITY;
        check_one<int64_t>(random, code, node, scalar::changed<int64_t>);
    }
    lib::Node node;
    node.op = lib::Op::logical_not;
    check_one<uint8_t>(random, Code::logical_not, node, scalar::changed<uint8_t>);
}

TEST_CASE("a device's casts, choices, copies and fills give the CPU's elements") {
    Random random(42);
    check_casts<float>(random, Element::float32);
    check_casts<double>(random, Element::float64);
    check_casts<int64_t>(random, Element::int64);
    check_casts<int32_t>(random, Element::int32);
    check_casts<uint8_t>(random, Element::boolean);
    for (int round = 0; round < 20; ++round) {
        Packed run(some_lengths(random, 5, 6));
        const Shape shape = some_shape(random);
        Viewed<uint8_t> condition(random, run, shape, true), copied(random, run, shape, false);
        Viewed<float> a(random, run, shape, true), b(random, run, shape, true), y(random, run, shape, false);
        Viewed<int64_t> numbers(random, run, shape, false);
        fill_some(random, condition.data), fill_some(random, a.data), fill_some(random, b.data);
        Elements e;
        e.code = Code::where;
        e.x[0] = condition.view, e.x[1] = a.view, e.x[2] = b.view;
        check_elements(random, "wb_elements", e, run, shape, y, [&](int64_t i, int64_t element) {
            return condition.at(run, shape, i, element) ? a.at(run, shape, i, element) : b.at(run, shape, i, element);
        });
        Copy copy;
        copy.x = a.view;
        check_elements(random, "wb_copy", copy, run, shape, y,
                       [&](int64_t i, int64_t element) { return a.at(run, shape, i, element); });
        copy.x = condition.view, copy.type = Element::boolean;
        check_elements(random, "wb_copy", copy, run, shape, copied,
                       [&](int64_t i, int64_t element) { return condition.at(run, shape, i, element); });
        Fill full;
        full.value = 2.5;
        check_elements(random, "wb_fill", full, run, shape, y, [&](int64_t, int64_t) { return 2.5f; });
        full.type = Element::int64, full.number = {3, 2, 0};
        check_elements(random, "wb_fill", full, run, shape, numbers,
                       [&](int64_t i, int64_t) { return 3 + 2 * run.length(i); });
        if (shape.axes == 0) continue;
        full.code = Code::iota;
        check_elements(random, "wb_fill", full, run, shape, numbers, [&](int64_t i, int64_t element) {
            return element % value(shape.size[shape.axes - 1], run.length(i));
        });
    }
}

TEST_CASE("a device's look-ups give the CPU's elements") {
    Random random(43);
    for (int round = 0; round < 30; ++round) {
        Packed run(some_lengths(random, 5, 6));
        const Shape shape = some_shape(random);
        // x has 4 places along its axis, which is not one of the shape's: gather's strides are x's with 0 there.
        Viewed<float> x(random, run, shape, false, {4, 0, 0}), y(random, run, shape, false);
        Viewed<int64_t> ids(random, run, shape, true), places(random, run, shape, false);
        fill_some(random, x.data);
        bool outside = false;
        for (int64_t i = 0; i < ids.data.size(); ++i) {
            ids.data[i] = random.between(0, 60) ? random.between(0, 3) : 4;
            outside = outside || ids.data[i] == 4;
        }
        Gather gather;
        gather.x = x.view, gather.ids = ids.view, gather.size = {4, 0, 0}, gather.step = {1, 0, 0}, gather.fault = 9;
        check_elements(random, "wb_gather", gather, run, shape, y, [&](int64_t i, int64_t element) {
            const int64_t id = ids.at(run, shape, i, element);
            if (id == 4) REQUIRE(run.faults[i] == 9);
            return id == 4 ? 0.0f : (&x.at(run, shape, i, element))[id];
        });
        if (!outside)
            for (int64_t i = 0; i < run.size(); ++i) REQUIRE(run.faults[i] == 0);

        std::vector<float> boundaries(static_cast<size_t>(random.between(0, 9)));
        for (float &boundary : boundaries) boundary = static_cast<float>(random.between(-3, 3));
        std::sort(boundaries.begin(), boundaries.end());
        for (int64_t i = 0; i < x.data.size(); ++i)
            if (random.between(0, 1)) x.data[i] = static_cast<float>(random.between(-4, 4));
        for (bool right : {false, true}) {
            Bucketize b;
            b.x = x.view, b.boundaries = boundaries.data(), b.count = static_cast<int64_t>(boundaries.size()),
            b.right = right;
            check_elements(random, "wb_bucketize", b, run, shape, places, [&](int64_t i, int64_t element) {
                const float v = x.at(run, shape, i, element);
                const auto found = v != v  ? boundaries.end()
                                   : right ? std::upper_bound(boundaries.begin(), boundaries.end(), v)
                                           : std::lower_bound(boundaries.begin(), boundaries.end(), v);
                return static_cast<int64_t>(found - boundaries.begin());
            });
        }
    }
}

namespace {

template <class T>
void check_along(Random &random, Code code, Element type) {
    for (int round = 0; round < 6; ++round) {
        Packed run(some_lengths(random, 5, 6));
        const Shape shape = some_shape(random);
        // The axis lies inside of the others, 2 L + 1 long.
        const Terms size{1, 2, 0};
        Viewed<T> x(random, run, shape, false, size),
            y(random, run, shape, false, code == Code::cumsum ? size : Terms{1, 0, 0});
        fill_some(random, x.data);
        Along a;
        a.code = code, a.type = type, a.x = x.view, a.size = size, a.x_step = {1, 0, 0}, a.y_step = {1, 0, 0};
        CAPTURE(static_cast<int>(code), static_cast<int>(type));
        check_elements(random, "wb_along", a, run, shape, y, [&](int64_t i, int64_t element) {
            const int64_t count = value(size, run.length(i));
            const T *from = &x.at(run, shape, i, element);
            std::vector<T> to(static_cast<size_t>(count));
            if (code == Code::reduce_mean) {
                scalar::along(lib::Op::reduce_sum, from, 1, count, to.data(), 1);
                return static_cast<T>(to[0] / static_cast<T>(count));
            }
            scalar::along(static_cast<lib::Op>(code), from, 1, count, to.data(), 1);
            if (code != Code::cumsum) return to[0];
            const T *found = &y.at(run, shape, i, element);
            for (int64_t k = 0; k < count; ++k) REQUIRE(alike(found[k], to[static_cast<size_t>(k)]));
            return to[0];
        });
    }
}

}  // namespace

TEST_CASE("a device's sums, maxima and scans along an axis give the CPU's elements") {
    Random random(44);
    for (auto code : {Code::reduce_sum, Code::reduce_mean, Code::reduce_max, Code::reduce_min, Code::cumsum})
        check_along<float>(random, code, Element::float32);
    for (auto code : {Code::reduce_sum, Code::reduce_max, Code::reduce_min, Code::cumsum})
        check_along<int64_t>(random, code, Element::int64);
    for (auto code : {Code::reduce_max, Code::reduce_min}) check_along<uint8_t>(random, code, Element::boolean);
    for (int round = 0; round < 10; ++round) {
        Packed run(some_lengths(random, 5, 6));
        const Shape shape = some_shape(random);
        const Terms size{1, 2, 0};
        Viewed<float> x(random, run, shape, false, size);
        Viewed<int64_t> y(random, run, shape, false);
        fill_some(random, x.data);
        Along a;
        a.code = Code::argmax, a.x = x.view, a.size = size, a.x_step = {1, 0, 0};
        check_elements(random, "wb_along", a, run, shape, y, [&](int64_t i, int64_t element) {
            return scalar::argmax(&x.at(run, shape, i, element), 1, value(size, run.length(i)));
        });
    }
}

TEST_CASE("a device's matmul gives the reference's bits") {
    Random random(45);
    for (int round = 0; round < 20; ++round) {
        Packed run(some_lengths(random, 5, 9));
        // y [2, m, n] = a [2, m, k] b [2, k, n], dense, m as long as the sequence.
        const int64_t n = random.between(1, 9), k = random.between(1, 20);
        Shape shape{3, {{2, 0, 0}, {0, 1, 0}, {n, 0, 0}}};
        Guarded<float> a(run.sum({0, 2 * k, 0})), b(run.size() * 2 * k * n);
        Viewed<float> y(random, run, shape, false);
        fill(random, a, 60), fill(random, b, 60);
        Matmul m;
        m.a = {{a.data(), {0, 2 * k, 0}, {}}, {{0, k, 0}, {k, 0, 0}, {0, 0, 0}}};
        m.b = {{b.data(), {2 * k * n, 0, 0}, {}}, {{k * n, 0, 0}, {0, 0, 0}, {1, 0, 0}}};
        m.k = {k, 0, 0}, m.a_step = {1, 0, 0}, m.b_step = {n, 0, 0};
        check_elements(random, "wb_matmul", m, run, shape, y, [&](int64_t i, int64_t element) {
            const int64_t l = run.length(i), batch = element / (l * n), row = element / n % l, column = element % n;
            float sum = 0;
            for (int64_t j = 0; j < k; ++j)
                sum = std::fma(b[(i * 2 + batch) * k * n + j * n + column],
                               a[run.sum({0, 2 * k, 0}, i) + (batch * l + row) * k + j], sum);
            return sum;
        });
    }
}
