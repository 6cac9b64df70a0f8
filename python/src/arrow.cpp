// SPDX-License-Identifier: Apache-2.0
// Arrow's PyCapsule interface: record batches and streams of them, read where they lie by the C reader.
#include "block.hpp"
#include "gil.hpp"

// Arrow's C stream interface (https://arrow.apache.org/docs/format/CStreamInterface.html), as it is published there.
#ifndef ARROW_C_STREAM_INTERFACE
#define ARROW_C_STREAM_INTERFACE
struct ArrowArrayStream {
    int (*get_schema)(struct ArrowArrayStream *, struct ArrowSchema *out);
    int (*get_next)(struct ArrowArrayStream *, struct ArrowArray *out);
    const char *(*get_last_error)(struct ArrowArrayStream *);
    void (*release)(struct ArrowArrayStream *);
    void *private_data;
};
#endif

namespace weighbridge::python {
namespace {

// An Arrow struct that is released with its owner.
template <class T>
struct Owned {
    Owned() = default;
    ~Owned() {
        if (value.release) value.release(&value);
    }
    Owned(const Owned &) = delete;
    Owned &operator=(const Owned &) = delete;
    T value{};
};

template <class T>
T &in_capsule(const py::object &capsule, const char *name) {
    if (!PyCapsule_IsValid(capsule.ptr(), name))
        fail(WB_INVALID_ARGUMENT, std::string("expected a capsule '") + name + "', got " + type_of(capsule));
    return *static_cast<T *>(PyCapsule_GetPointer(capsule.ptr(), name));
}

// Without the GIL: the stream may wait for threads that need it.
template <class T>
int unlocked(int (*read)(ArrowArrayStream *, T *), ArrowArrayStream *stream, T *out) {
    const Released released;
    return read(stream, out);
}

void expect_ok(int code, ArrowArrayStream &stream) {
    if (code == 0) return;
    const char *why = stream.get_last_error(&stream);
    if (PyErr_Occurred()) PyErr_Clear();
    const std::string_view told = why ? why : std::strerror(code);
    fail(WB_INVALID_ARGUMENT, "Arrow stream: " + std::string(told.substr(0, told.find('\n'))));
}

void set_rows(Block &block, const ArrowSchema &type, const ArrowArray &array) {
    wb_error err = WB_ERROR_INIT;
    check(wb_batch_set_arrow_rows(block.batch(), &type, &array, &err), err);
}

// A block for each record batch of the stream, one at least.
std::vector<std::unique_ptr<Block>> blocks_of_stream(const std::shared_ptr<BoundSchema> &bound,
                                                     const py::object &capsule) {
    auto &stream = in_capsule<ArrowArrayStream>(capsule, "arrow_array_stream");
    if (!stream.release) fail(WB_INVALID_ARGUMENT, "expected an Arrow stream, got one that was read already");
    const auto type = std::make_shared<Owned<ArrowSchema>>();
    expect_ok(unlocked(stream.get_schema, &stream, &type->value), stream);
    std::vector<std::unique_ptr<Block>> blocks;
    for (;;) {
        const auto array = std::make_shared<Owned<ArrowArray>>();
        expect_ok(unlocked(stream.get_next, &stream, &array->value), stream);
        if (!array->value.release) break;
        auto block = std::make_unique<Block>(bound, array->value.length);
        set_rows(*block, block->keep(type)->value, block->keep(array)->value);
        blocks.push_back(std::move(block));
    }
    if (blocks.empty()) blocks.push_back(std::make_unique<Block>(bound, 0));
    return blocks;
}

// The capsules of __arrow_c_array__, of a struct.
std::unique_ptr<Block> block_of_array(const std::shared_ptr<BoundSchema> &bound, py::object type, py::object array) {
    const auto &arrow_type = in_capsule<ArrowSchema>(type, "arrow_schema");
    const auto &arrow_array = in_capsule<ArrowArray>(array, "arrow_array");
    auto block = std::make_unique<Block>(bound, arrow_array.length);
    set_rows(*block, arrow_type, arrow_array);
    block->keep(std::move(type));
    block->keep(std::move(array));
    return block;
}

// The capsules of __arrow_c_array__, of one column.
void set_arrow(Block &block, uint32_t feature, py::object type, py::object array) {
    block.set_arrow(feature, in_capsule<ArrowSchema>(type, "arrow_schema"),
                    in_capsule<ArrowArray>(array, "arrow_array"));
    block.keep(std::move(type));
    block.keep(std::move(array));
}

}  // namespace

void register_arrow(py::module_ &module) {
    module.def(
        "blocks_of_stream",
        [](const std::shared_ptr<BoundSchema> &bound, const py::object &capsule) {
            py::list out;
            for (auto &block : blocks_of_stream(bound, capsule)) out.append(py::cast(std::move(block)));
            return out;
        },
        py::arg("schema"), py::arg("capsule"));
    module.def("block_of_array", &block_of_array, py::arg("schema"), py::arg("type"), py::arg("array"));
    module.def("set_arrow", &set_arrow, py::arg("block"), py::arg("feature"), py::arg("type"), py::arg("array"));
}

}  // namespace weighbridge::python
