// SPDX-License-Identifier: Apache-2.0
// libFuzzer's target for plans: tests/fuzz/run.sh builds and runs it.
#include <algorithm>
#include <random>

#include "fuzz/plan_input.hpp"
#include "fuzz/plan_mutation.hpp"

using weighbridge::lib::Bytes, weighbridge::lib::ByteView;

extern "C" size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t most);

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    weighbridge::test::try_plan({reinterpret_cast<const std::byte *>(data), size});
    return 0;
}

// Half of the changes are to the graph that the bytes stand for, and are sound graphs again; the rest are to the bytes
// of the graph's section, with sizes that fit, and to any bytes.
extern "C" size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed) {
    const ByteView bytes(reinterpret_cast<const std::byte *>(data), size);
    std::mt19937 random(seed);
    Bytes made;
    const uint32_t kind = random() % 8;
    if (kind < 4) {
        made = weighbridge::test::changed_plan(bytes, static_cast<uint32_t>(random()));
    } else if (kind < 7) {
        const auto parts = weighbridge::test::parts_of(bytes);
        Bytes graph(parts.graph.begin(), parts.graph.end());
        const size_t room = std::max(graph.size() + 256, size_t{512});
        const size_t used = graph.size();
        graph.resize(room);
        graph.resize(LLVMFuzzerMutate(reinterpret_cast<uint8_t *>(graph.data()), used, room));
        made = weighbridge::test::refitted_plan(parts.header, graph, parts.weights);
    }
    if (made.empty() || made.size() > most) return LLVMFuzzerMutate(data, size, most);
    std::copy(made.begin(), made.end(), reinterpret_cast<std::byte *>(data));
    return made.size();
}
