// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <cmath>
#include <fstream>
#include <set>
#include <string>
#include <thread>

#include "support/catch.hpp"
#include "torch_fixture.hpp"

using namespace weighbridge::lib;
using namespace weighbridge::test;

namespace {

Input country() { return input<int64_t>(WB_DTYPE_INT64, {3}, {1, 0, 9}); }

Input all_true(int64_t rows, int64_t length) {
    return input(WB_DTYPE_BOOL, {rows, length}, std::vector<uint8_t>(static_cast<size_t>(rows * length), 1));
}

void check_close(const std::vector<float> &got, const std::vector<float> &expected) {
    REQUIRE(got.size() == expected.size());
    for (size_t i = 0; i < got.size(); ++i) {
        INFO("value " << i << ": expected " << expected[i] << ", got " << got[i]);
        CHECK(std::fabs(got[i] - expected[i]) < 1e-5f);
    }
}

// Runs a module of the one input numbers() with one output of 3 values.
Answer run_simple(const std::string &name) {
    const auto worker = context_thread();
    Loaded module(*worker, module_bytes(name), 1);
    INFO(module.message);
    REQUIRE(module.code == WB_OK);
    return module.run(*worker, {numbers_input()}, {{"score", {3}}});
}

Answer load_only(const Bytes &bytes, uint32_t arguments) {
    const auto worker = context_thread();
    const Loaded module(*worker, bytes, arguments);
    CHECK(module.handle == nullptr);
    return {module.code, module.message, {}};
}

}  // namespace

TEST_CASE("the table says what it was made with") {
    const wb_plugin_v1 &table = *plugin().table;
    CHECK(table.abi == WB_PLUGIN_ABI);
    CHECK(table.struct_size == sizeof(wb_plugin_v1));
    const auto mapped = mapped_libtorch();
    REQUIRE(mapped);
    CHECK(mapped->version == table.torch_version);
    CHECK(minor_of(table.torch_version) == minor_of(mapped->version));
    CHECK(std::string(table.build).find("LibTorch") != std::string::npos);
}

TEST_CASE("scripted and traced modules give what PyTorch gives") {
    const auto worker = context_thread();
    for (const char *name : {"mlp", "mlp_traced"}) {
        INFO(name);
        Loaded module(*worker, module_bytes(name), 2);
        INFO(module.message);
        REQUIRE(module.code == WB_OK);
        const Answer answer = module.run(*worker, {numbers_input(), country()}, {{"score", {3}}});
        INFO(answer.message);
        REQUIRE(answer.code == WB_OK);
        check_close(answer.outputs[0], expected_values(name));
    }
    Loaded transformer(*worker, module_bytes("sequence"), 2);
    INFO(transformer.message);
    REQUIRE(transformer.code == WB_OK);
    const Input past = input(WB_DTYPE_FLOAT32, {3, 8, 1}, numbers(3, 8));
    const Answer answer = transformer.run(*worker, {past, all_true(3, 8)}, {{"score", {3}}});
    INFO(answer.message);
    REQUIRE(answer.code == WB_OK);
    check_close(answer.outputs[0], expected_values("sequence"));
}

TEST_CASE("the same call gives the same bits from the first one on") {
    const auto worker = context_thread();
    Loaded module(*worker, module_bytes("sequence"), 2);
    REQUIRE(module.code == WB_OK);
    std::set<std::vector<float>> seen;
    for (int i = 0; i < 8; ++i) {
        const Input past = input(WB_DTYPE_FLOAT32, {3, 8, 1}, numbers(3, 8));
        seen.insert(module.run(*worker, {past, all_true(3, 8)}, {{"score", {3}}}).outputs[0]);
    }
    CHECK(seen.size() == 1);
}

TEST_CASE("outputs come by place of a tuple or list and by key of a dict, as float32") {
    const auto worker = context_thread();
    Loaded tuple(*worker, module_bytes("tuple"), 1);
    const Answer both = tuple.run(*worker, {numbers_input()}, {{"wide", {3, 16}, 1}, {"sum", {3}, 0}});
    INFO(both.message);
    REQUIRE(both.code == WB_OK);
    check_close(both.outputs[1], expected_values("tuple"));
    float sum = 0;
    for (int i = 0; i < 16; ++i) sum += both.outputs[0][static_cast<size_t>(i)];
    CHECK(sum == Approx(both.outputs[1][0]).margin(1e-5));

    Loaded dict(*worker, module_bytes("dict"), 1);
    const Answer keyed = dict.run(*worker, {numbers_input()}, {{"score", {3}, 0, "fraud"}});
    REQUIRE(keyed.code == WB_OK);
    check_close(keyed.outputs[0], expected_values("dict"));

    const Answer counted = dict.run(*worker, {numbers_input()}, {{"places", {3}, 0, "count"}});
    INFO(counted.message);
    REQUIRE(counted.code == WB_OK);  // int64 as float32
    for (float place : counted.outputs[0]) CHECK((place == 0 || place == 1));

    Loaded list(*worker, module_bytes("list"), 1);
    const Answer listed = list.run(*worker, {numbers_input()}, {{"sum", {3}, 0}, {"turned", {6, 3}, 1}});
    REQUIRE(listed.code == WB_OK);
    check_close(listed.outputs[0], expected_values("list"));
    CHECK(listed.outputs[1][1] == numbers(3, 6)[6]);  // made contiguous
}

TEST_CASE("an output that is not as expected is named with both shapes or types") {
    const auto worker = context_thread();
    const auto ask = [&](const char *name, Wanted wanted) {
        Loaded module(*worker, module_bytes(name), 1);
        const Answer answer = module.run(*worker, {numbers_input()}, {std::move(wanted)});
        CHECK(answer.code == WB_INVALID_BUNDLE);
        return answer.message;
    };
    CHECK(ask("tuple", {"fraud", {3, 1}}) == "output 'fraud': expected shape [3, 1], got [3]");
    CHECK(ask("tuple", {"fraud", {3}, 2}) == "output 'fraud': expected place 2 of a tuple, got a tuple of 2");
    CHECK(ask("tuple", {"fraud", {3}, -1}) == "output 'fraud': expected place -1 of a tuple, got a tuple of 2");
    CHECK(ask("tuple", {"fraud", {3}, 0, "k"}) == "output 'fraud': expected a dict with the key 'k', got a tuple of 2");
    CHECK(ask("list", {"fraud", {3}, 5}) == "output 'fraud': expected place 5 of a tuple, got a list of 2");
    CHECK(ask("dict", {"fraud", {3}, 0, "no"}) ==
          "output 'fraud': expected the key 'no' in forward's dict, found none");
    CHECK(ask("dict", {"fraud", {3}, 0}).find("expected place 0 of a tuple, got a") != std::string::npos);
    CHECK(ask("dict", {"turned", {3}, 0, "turned"}) ==
          "output 'turned': expected a dense tensor of real numbers, got ComplexFloat");
    CHECK(ask("warns", {"fraud", {3}, 1}) == "output 'fraud': expected place 1 of a tuple, got a tensor");
}

TEST_CASE("forward must take one argument for each tensor") {
    const Answer few = load_only(module_bytes("mlp"), 1);
    CHECK(few.code == WB_INVALID_BUNDLE);
    CHECK(few.message == "forward: expected 1 argument(s), one for each tensor of the manifest, found 2");
    CHECK(load_only(module_bytes("mlp"), 3).code == WB_INVALID_BUNDLE);
}

TEST_CASE("what is no module is refused in one line") {
    Bytes text(100, std::byte{'x'});
    Bytes cut = module_bytes("mlp");
    cut.resize(cut.size() / 2);
    for (const Bytes &bytes : {Bytes(), text, cut}) {
        const Answer refused = load_only(bytes, 1);
        CHECK(refused.code == WB_INVALID_BUNDLE);
        INFO(refused.message);
        CHECK(!refused.message.empty());
        CHECK(refused.message.find('\n') == std::string::npos);
        CHECK(refused.message.find("frame #") == std::string::npos);
    }
}

TEST_CASE("a module that prints or sets attributes is refused at load") {
    const Answer prints = load_only(module_bytes("prints"), 1);
    CHECK(prints.code == WB_INVALID_BUNDLE);
    CHECK(prints.message.find("prim::Print") != std::string::npos);
    const Answer attribute = load_only(module_bytes("sets_attribute"), 1);
    CHECK(attribute.code == WB_INVALID_BUNDLE);
    CHECK(attribute.message.find("'calls'") != std::string::npos);
}

TEST_CASE("a module that writes into its buffers is refused at its first run and ever after") {
    const auto worker = context_thread();
    for (const char *name : {"keeps_state", "keeps_state_in_view"}) {
        Loaded module(*worker, module_bytes(name), 1);
        INFO(module.message);
        REQUIRE(module.code == WB_OK);
        for (int i = 0; i < 2; ++i) {
            const Answer answer = module.run(*worker, {numbers_input()}, {{"score", {3}}});
            CHECK(answer.code == WB_INVALID_BUNDLE);
            CHECK(answer.message ==
                  "forward wrote into 'seen', which a served module must not; keep no state in forward");
            CHECK(answer.outputs[0][0] == -1.0f);
        }
    }
}

TEST_CASE("what forward raises is one line without stack traces") {
    const auto worker = context_thread();
    Loaded raises(*worker, module_bytes("raises"), 1);
    REQUIRE(raises.code == WB_OK);
    const Input negative = input<float>(WB_DTYPE_FLOAT32, {1, 6}, {-1, 0, 0, 0, 0, 0});
    const Answer raised = raises.run(*worker, {negative}, {{"score", {1}}});
    CHECK(raised.code == WB_BACKEND_FAILED);
    CHECK(raised.message == "negative number");
    CHECK(raised.outputs[0][0] == -1.0f);  // left alone

    const Answer shape = raises.run(*worker, {numbers_input()}, {{"score", {3}}});
    CHECK(shape.code == WB_OK);

    Loaded index(*worker, module_bytes("bad_index"), 1);
    const Answer out_of_range = index.run(*worker, {input<int64_t>(WB_DTYPE_INT64, {1}, {10})}, {{"score", {1}}});
    CHECK(out_of_range.code == WB_BACKEND_FAILED);
    CHECK(out_of_range.message == "RuntimeError: index out of range in self");

    Loaded mlp(*worker, module_bytes("mlp"), 2);
    const Answer width = mlp.run(*worker, {numbers_input(3, 5), country()}, {{"score", {3}}});
    CHECK(width.code == WB_BACKEND_FAILED);
    INFO(width.message);
    CHECK(width.message.find("shapes cannot be multiplied") != std::string::npos);
}

TEST_CASE("whole numbers without a quotient are an error, not the process's end") {
    const auto worker = context_thread();
    Loaded module(*worker, module_bytes("divides"), 1);
    INFO(module.message);
    REQUIRE(module.code == WB_OK);
    const auto divided = [&](float a, float b, int form) {
        const Input numbers = input<float>(WB_DTYPE_FLOAT32, {1, 6}, {a, b, static_cast<float>(form), 0, 0, 0});
        return module.run(*worker, {numbers}, {{"score", {1}}});
    };
    const float least = -9223372036854775808.0f;
    constexpr int kRemainder = 1, kQuotient = 2, kBoth = 3, kDivisor = 4;
    constexpr int kOfItems = 5, kQuotientOfItems = 6;
    for (const int form : {kRemainder, kQuotient, kBoth, kDivisor, kOfItems, kQuotientOfItems}) {
        CAPTURE(form);
        const Answer none = divided(least, -1, form);
        CHECK(none.code == WB_BACKEND_FAILED);
        CHECK(none.message == "whole numbers without a quotient");
        for (const auto &[a, b] : {std::pair{17.0f, -1.0f}, {least, 3.0f}, {-17.0f, 5.0f}})
            CHECK(divided(a, b, form).code == WB_OK);
        CHECK(divided(7, 0, form).code == (form == kDivisor ? WB_OK : WB_BACKEND_FAILED));
    }
    CHECK(divided(-17, 5, kRemainder).outputs[0][0] == 3.0f);
    CHECK(divided(-17, 5, kQuotient).outputs[0][0] == -4.0f);
    CHECK(divided(-1, least, kDivisor).code == WB_BACKEND_FAILED);
}

TEST_CASE("a division without a quotient that freezing would compute is an error, not the process's end") {
    const auto worker = context_thread();
    for (const char *name : {"remainder_of_0", "least_by_minus_1"}) {
        CAPTURE(name);
        Loaded module(*worker, module_bytes(name), 1);
        INFO(module.message);
        REQUIRE(module.code == WB_OK);
        const Answer none = module.run(*worker, {numbers_input()}, {{"score", {3}}});
        CHECK(none.code == WB_BACKEND_FAILED);
        CHECK(none.message == "whole numbers without a quotient");
    }
    check_close(run_simple("by_3").outputs[0], expected_values("by_3"));
}

TEST_CASE("tensors of whole numbers without a quotient are an error, not the process's end") {
    const auto worker = context_thread();
    Loaded module(*worker, module_bytes("truncates"), 1);
    INFO(module.message);
    REQUIRE(module.code == WB_OK);
    const auto divided = [&](float a, float b, int form) {
        const Input numbers =
            input<float>(WB_DTYPE_FLOAT32, {2, 6}, {7, 2, static_cast<float>(form), 0, 0, 0, a, b, 0, 0, 0, 0});
        return module.run(*worker, {numbers}, {{"score", {2}}});
    };
    constexpr int kByTensor = 1, kByNumber = 2, kInPlace = 3, kNarrow = 4, kFloored = 5;
    const float least = -9223372036854775808.0f, narrow = -2147483648.0f;
    for (const int form : {kByTensor, kInPlace, kNarrow}) {
        CAPTURE(form);
        const Answer none = divided(form == kNarrow ? narrow : least, -1, form);
        CHECK(none.code == WB_BACKEND_FAILED);
        CHECK(none.message == "whole numbers without a quotient");
        CHECK(divided(-17, -1, form).outputs[0] == std::vector<float>{3, 17});
        CHECK(divided(-17, 5, form).outputs[0] == std::vector<float>{3, -3});
        CHECK(divided(least, 3, form).code == WB_OK);
        CHECK(divided(7, 0, form).code == WB_BACKEND_FAILED);
    }
    CHECK(divided(narrow, -1, kByTensor).outputs[0][1] == -narrow);
    CHECK(divided(-17, 5, kFloored).outputs[0][1] == -4.0f);
    const auto by_number = [&](float a, float b) {
        const Input numbers = input<float>(WB_DTYPE_FLOAT32, {1, 6}, {a, b, kByNumber, 0, 0, 0});
        return module.run(*worker, {numbers}, {{"score", {1}}});
    };
    CHECK(by_number(least, -1).message == "whole numbers without a quotient");
    CHECK(by_number(-17, -1).outputs[0][0] == 17.0f);
}

TEST_CASE("sizes of batches that no packed sequence has are an error, not memory overwritten") {
    const auto worker = context_thread();
    Loaded module(*worker, module_bytes("unpacks"), 1);
    INFO(module.message);
    REQUIRE(module.code == WB_OK);
    const auto unpacked = [&](std::vector<float> sizes) {  // 9: none; 8: two axes
        return module.run(*worker, {input<float>(WB_DTYPE_FLOAT32, {1, 6}, sizes)}, {{"score", {1}}});
    };
    CHECK(unpacked({3, 2, 1, 9, 9, 9}).outputs[0][0] == 12.0f);
    CHECK(unpacked({6, 9, 9, 9, 9, 9}).outputs[0][0] == 12.0f);
    CHECK(unpacked({1, 1, 1, 1, 1, 1}).outputs[0][0] == 12.0f);
    for (const std::vector<float> &wrong : {std::vector<float>{1, 5, 9, 9, 9, 9},
                                            {1, 2, 3, 9, 9, 9},
                                            {7, -1, 9, 9, 9, 9},
                                            {6, 0, 9, 9, 9, 9},
                                            {2, 2, 9, 9, 9, 9},
                                            {8, 9, 9, 9, 9, 9}}) {
        const Answer none = unpacked(wrong);
        CHECK(none.code == WB_BACKEND_FAILED);
        CHECK(none.message == "sizes of batches that no packed sequence has");
    }
    CHECK(unpacked({9, 9, 9, 9, 9, 9}).code == WB_BACKEND_FAILED);
}

TEST_CASE("attention of no heads is an error, not the process's end") {
    const auto worker = context_thread();
    Loaded module(*worker, module_bytes("heads"), 1);
    INFO(module.message);
    REQUIRE(module.code == WB_OK);
    const auto heads = [&](float count) {
        const Input numbers = input<float>(WB_DTYPE_FLOAT32, {1, 6}, {count - 1, 1, 2, 3, 4, 5});
        return module.run(*worker, {numbers}, {{"score", {1}}});
    };
    CHECK(heads(2).code == WB_OK);
    CHECK(heads(0).code == WB_BACKEND_FAILED);
    CHECK(heads(0).message == "attention of 0 heads");
}

TEST_CASE("what a module did not fill is 0, not what the memory held before") {
    const auto worker = context_thread();
    Loaded module(*worker, module_bytes("uninitialised"), 1);
    INFO(module.message);
    REQUIRE(module.code == WB_OK);
    for (int i = 0; i < 3; ++i) {
        on_thread(*worker, [] {  // leaves memory of these sizes behind that holds others
            for (int n = 0; n < 64; ++n) std::vector<float>(static_cast<size_t>(n) * 4, 1.5f);
        });
        const Answer answer = module.run(*worker, {numbers_input()}, {{"score", {210}}});
        REQUIRE(answer.code == WB_OK);
        CHECK(answer.outputs[0] == std::vector<float>(210, 0.0f));
    }
}

TEST_CASE("forward may write its input without touching the caller's memory") {
    const auto worker = context_thread();
    Loaded module(*worker, module_bytes("writes_input"), 1);
    INFO(module.message);
    REQUIRE(module.code == WB_OK);
    const std::vector<Input> inputs{numbers_input()};
    const Bytes before = inputs[0].data;
    const Answer answer = module.run(*worker, inputs, {{"score", {3}}});
    check_close(answer.outputs[0], expected_values("writes_input"));
    CHECK(inputs[0].data == before);
}

TEST_CASE("nothing is printed, and only our threads run") {
    plugin();
    const int before = thread_count();
    std::string written;
    int after = 0;
    {
        const CapturedOutput captured;
        const auto first = context_thread("wb:torch-0");
        const auto second = context_thread("wb:torch-1");
        Loaded wide(*first, module_bytes("wide"), 1);
        Loaded warns(*first, module_bytes("warns"), 1);
        Loaded sequence(*first, module_bytes("sequence"), 2);
        for (int i = 0; i < 20; ++i) {
            wide.run(*first, {numbers_input(256, 1024)}, {{"score", {256}}});
            wide.run(*second, {numbers_input(256, 1024)}, {{"score", {256}}});
            warns.run(*second, {numbers_input()}, {{"score", {3}}});
            const Input past = input(WB_DTYPE_FLOAT32, {32, 8, 1}, numbers(32, 8));
            sequence.run(*second, {past, all_true(32, 8)}, {{"score", {32}}});
        }
        after = thread_count();
        written = captured.text();
    }
    CHECK(after == before + 2);
    CHECK(written.empty());
    CHECK(run_simple("warns").code == WB_OK);
}

TEST_CASE("one module runs on several threads at once") {
    const auto loader = context_thread("wb:torch-load");
    Loaded module(*loader, module_bytes("wide"), 1);
    REQUIRE(module.code == WB_OK);
    const std::vector<float> expected = expected_values("wide");
    std::atomic<int> good{0};
    std::vector<std::shared_ptr<Worker>> workers;
    std::vector<std::thread> callers;
    for (int i = 0; i < 3; ++i) workers.push_back(context_thread("wb:torch-" + std::to_string(i)));
    for (const auto &worker : workers)
        callers.emplace_back([&, worker] {
            for (int turn = 0; turn < 20; ++turn) {
                const Answer answer = module.run(*worker, {numbers_input(3, 1024)}, {{"score", {3}}});
                const bool close = answer.code == WB_OK && std::fabs(answer.outputs[0][2] - expected[2]) < 1e-3f;
                good += close ? 1 : 0;
            }
        });
    for (auto &caller : callers) caller.join();
    CHECK(good == 60);
}

TEST_CASE("one copy of LibTorch is mapped") {
    plugin();
    std::ifstream maps("/proc/self/maps");
    std::set<std::string> copies;
    for (std::string line; std::getline(maps, line);)
        if (line.ends_with("/libtorch_cpu.so")) copies.insert(line.substr(line.find('/')));
    CHECK(copies.size() == 1);
}

TEST_CASE("a device other than the CPU is refused") {
    wb_plugin_module *module = nullptr;
    char error[128] = "";
    const Bytes bytes = module_bytes("raises");
    CHECK(plugin().table->load(&module, bytes.data(), bytes.size(), {1, 0, nullptr}, 1, error, sizeof error) ==
          WB_BACKEND_UNAVAILABLE);
    CHECK(module == nullptr);
    CHECK(std::string(error).find("device type 1") != std::string::npos);
}

TEST_CASE("a short or absent error buffer is respected") {
    wb_plugin_module *module = nullptr;
    char error[8] = "xxxxxxx";
    CHECK(plugin().table->load(&module, "junk", 4, {0, 0, nullptr}, 1, error, 5) == WB_INVALID_BUNDLE);
    CHECK(error[4] == 0);
    CHECK(error[5] == 'x');
    CHECK(plugin().table->load(&module, "junk", 4, {0, 0, nullptr}, 1, nullptr, 0) == WB_INVALID_BUNDLE);
}
