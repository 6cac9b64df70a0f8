// SPDX-License-Identifier: Apache-2.0
#include "backend/cuda/tensor_check.hpp"

#include <bit>
#include <cstring>

#include "backend/cuda/arguments.hpp"

namespace weighbridge::lib::cuda {
namespace {

// SplitMix64 (Steele, Lea, Flood 2014): the same numbers everywhere.
class Numbers {
  public:
    uint64_t bits() {
        uint64_t z = state_ += 0x9E3779B97F4A7C15u;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
        return z ^ (z >> 31);
    }
    int between(int least, int most) {
        return least + static_cast<int>(bits() % static_cast<uint64_t>(most - least + 1));
    }
    // A float32 of a random sign and significand.
    uint32_t number(int least_exponent, int most_exponent) {
        const auto field = static_cast<uint32_t>(between(least_exponent, most_exponent) + 127);
        return (static_cast<uint32_t>(bits()) & 0x807FFFFFu) | field << 23;
    }
    uint16_t half(int least_exponent, int most_exponent) {
        return static_cast<uint16_t>(number(least_exponent, most_exponent) >> 16);
    }

  private:
    uint64_t state_ = 0;
};

// What a product's operands and sums are drawn from, by exponents.
struct Kind {
    int least, most;          // of a and b
    int sum_least, sum_most;  // of the sums
    bool cancels;             // every second product is nearly that before, with the other sign
    bool specials;            // zeros, infinities and NaNs among them
};
constexpr Kind kKinds[] = {
    {-3, 3, -3, 6, false, false},         // sizes as of activations
    {-12, 12, -24, 24, false, false},     // the smaller ones are cut
    {-2, 2, 20, 30, false, false},        // a sum before which products are small
    {-2, 2, -40, -16, false, false},      // and one that is
    {-6, 6, -30, 0, true, false},         // little is left
    {-60, -50, -127, -110, true, false},  // denormal results, of the smallest operands
    {40, 100, 90, 127, false, false},     // overflow
    {-8, 8, -8, 8, false, true},
};
constexpr int kTurns = 8;  // of each kind

struct Product {
    uint16_t a[TensorVectors::kRows][kTensorStep], b[TensorVectors::kColumns][kTensorStep];
    float sums[TensorVectors::kRows][TensorVectors::kColumns];
};

uint16_t special(Numbers &numbers) {
    constexpr uint16_t kSpecials[] = {0x0000, 0x8000, 0x7F80, 0xFF80, 0x7FC0};
    return kSpecials[numbers.between(0, 4)];
}

void fill(Numbers &numbers, const Kind &kind, uint16_t (&values)[kTensorStep], bool turns) {
    for (int k = 0; k < kTensorStep; ++k) {
        values[k] = numbers.half(kind.least, kind.most);
        if (kind.cancels && k % 2 == 1) values[k] = static_cast<uint16_t>(values[k - 1] ^ (turns ? 0x8000 : 0));
        if (kind.cancels && numbers.between(0, 7) == 0) values[k] ^= 1;
        if (kind.specials && numbers.between(0, 31) == 0) values[k] = special(numbers);
    }
}

Product draw(Numbers &numbers, const Kind &kind) {
    Product product{};
    for (auto &row : product.a) fill(numbers, kind, row, false);
    for (auto &column : product.b) fill(numbers, kind, column, true);
    for (auto &row : product.sums)
        for (float &sum : row)
            sum =
                numbers.between(0, 7) == 0 ? 0.0f : std::bit_cast<float>(numbers.number(kind.sum_least, kind.sum_most));
    return product;
}

uint32_t pair(const uint16_t *values) { return values[0] | uint32_t{values[1]} << 16; }

bool same(float a, float b) { return a == b || (a != a && b != b); }

// Memory of a check, on both sides alike.
struct CheckLayout {
    explicit CheckLayout(const TensorVectors &vectors)
        : a(0),
          b(a + static_cast<int64_t>(vectors.a.size()) * 4),
          sums(b + static_cast<int64_t>(vectors.b.size()) * 4),
          out(sums + static_cast<int64_t>(vectors.sums.size()) * 4),
          bytes(out + (out - sums)) {}
    const int64_t a, b, sums, out, bytes;
};

Status compute(const KernelSet &kernels, const TensorVectors &vectors, std::vector<float> &found) {
    const auto &context = kernels.context();
    const Functions &call = context->functions();
    const CheckLayout layout(vectors);
    auto memory = allocate_on_device(context, layout.bytes, "a check of its tensor cores");
    if (!memory) return memory.status();
    auto pinned = allocate_pinned(context, layout.bytes);
    if (!pinned) return pinned.status();
    auto stream = make_stream(context);
    if (!stream) return stream.status();
    auto look = kernels.make_look();
    if (!look) return look.status();
    auto *host = static_cast<std::byte *>(pinned->get());
    std::memcpy(host + layout.a, vectors.a.data(), vectors.a.size() * 4);
    std::memcpy(host + layout.b, vectors.b.data(), vectors.b.size() * 4);
    std::memcpy(host + layout.sums, vectors.sums.data(), vectors.sums.size() * 4);
    auto *device = reinterpret_cast<std::byte *>(memory->get());
    CheckTensor arguments{vectors.count(), reinterpret_cast<const uint32_t *>(device + layout.a),
                          reinterpret_cast<const uint32_t *>(device + layout.b),
                          reinterpret_cast<const float *>(device + layout.sums),
                          reinterpret_cast<float *>(device + layout.out)};
    void *all[] = {&arguments};
    LaunchConfig config;
    config.grid_x = static_cast<unsigned>(vectors.count());
    config.block_x = kCheckThreads;
    config.stream = stream->get();
    const DeviceContext::Current current(*context);
    Result result = current.result();
    const auto out_bytes = static_cast<size_t>(layout.bytes - layout.out);
    if (result == kSuccess)
        result = call.copy_to_device(memory->get(), host, static_cast<size_t>(layout.out), stream->get());
    if (result == kSuccess)
        result =
            call.launch(&config, reinterpret_cast<FunctionHandle>(kernels.kernel("wb_check_tensor")), all, nullptr);
    if (result == kSuccess)
        result = call.copy_to_host(host + layout.out, memory->get() + static_cast<DevicePointer>(layout.out), out_bytes,
                                   stream->get());
    const Status ended = kernels.end(*look, *stream, result, "checking its tensor cores");
    if (!ended.ok()) return ended;
    found.resize(vectors.sums.size());
    std::memcpy(found.data(), host + layout.out, out_bytes);
    return {};
}

}  // namespace

TensorVectors TensorVectors::make() {
    Numbers numbers;
    TensorVectors made;
    for (int turn = 0; turn < kTurns; ++turn)
        for (const Kind &kind : kKinds) {
            const Product product = draw(numbers, kind);
            for (int lane = 0; lane < kLanes; ++lane) {  // PTX ISA, "Matrix fragments for mma.m16n8k16"
                const int group = lane / 4, place = lane % 4;
                for (int i = 0; i < 4; ++i) {
                    made.a.push_back(pair(product.a[group + i % 2 * 8] + place * 2 + i / 2 * 8));
                    made.sums.push_back(product.sums[group + i / 2 * 8][place * 2 + i % 2]);
                }
                for (int i = 0; i < 2; ++i) made.b.push_back(pair(product.b[group] + place * 2 + i * 8));
            }
        }
    return made;
}

int64_t TensorVectors::differing(const TensorSums &model, std::span<const float> found) const {
    int64_t count = 0;
    for (size_t at = 0; at < sums.size(); ++at) {
        const size_t lane = at / 4 % kLanes, first = at / 4 - lane, i = at % 4;
        const size_t row = lane / 4, column = lane % 4 * 2 + i % 2;
        uint16_t x[kTensorStep], y[kTensorStep];
        for (size_t k = 0; k < kTensorStep; ++k) {
            const size_t part = k % 8 / 2, half = k / 8, shift = k % 2 * 16;
            x[k] = static_cast<uint16_t>(a[(first + row * 4 + part) * 4 + half * 2 + i / 2] >> shift);
            y[k] = static_cast<uint16_t>(b[(first + column * 4 + part) * 2 + half] >> shift);
        }
        count += same(multiplied(model, x, y, sums[at]), found[at]) ? 0 : 1;
    }
    return count;
}

Expected<const TensorFamily *> check_tensor_family(const KernelSet &kernels) {
    const DeviceContext &context = *kernels.context();
    const int capability = context.capability();
    const TensorFamily *family = tensor_family(capability);
    if (!family)
        return Status::failure(WB_BACKEND_UNAVAILABLE,
                               "cuda:{} ({}): no bf16 there: how tensor cores of compute capability {}.{} round is not "
                               "known",
                               context.ordinal(), context.name(), capability / 10, capability % 10);
    const TensorVectors vectors = TensorVectors::make();
    std::vector<float> found;
    if (Status status = compute(kernels, vectors, found); !status.ok()) return status;
    const int64_t differing = vectors.differing(family->sums, found);
    if (differing == 0) return family;
    return Status::failure(WB_BACKEND_UNAVAILABLE,
                           "cuda:{} ({}): no bf16 there: expected sums of tensor cores as of {}, got {} others of {}",
                           context.ordinal(), context.name(), family->name, differing, found.size());
}

}  // namespace weighbridge::lib::cuda
