// SPDX-License-Identifier: Apache-2.0
// The tensors of `forward`, as scoring makes them, for training.
#include "encode.hpp"

#include "gil.hpp"
#include "run.hpp"

namespace weighbridge::python {
namespace {

struct Longest {
    int64_t rows = 0, length = 0, tokens = 0;
};

// Runs wb_batch_encode over a block. A row that is refused is an error, by its number among all rows.
wb_batch_encoding encode(const Block &block, int64_t base, int64_t length, int64_t tokens) {
    wb_batch_encoding found = WB_BATCH_ENCODING_INIT;
    wb_error err = WB_ERROR_INIT;
    int32_t status = 0;
    {
        const Released released;
        status = wb_batch_encode(&found, block.batch(), length, tokens, &err);
    }
    if (status == WB_OK_PARTIAL)
        fail(WB_INVALID_INPUT, "row " + std::to_string(base + found.first_error) + ": " + err.message, err.feature,
             base + found.first_error);
    check(status, err);
    return found;
}

Longest longest_of(const Blocks &blocks) {
    Longest most;
    for (const Block *block : blocks) {
        const wb_batch_encoding found = encode(*block, most.rows, 0, 0);
        most.rows += found.rows;
        most.length = std::max(most.length, found.length);
        most.tokens = std::max(most.tokens, found.tokens);
    }
    return most;
}

const char *numpy_dtype(int32_t dtype) {
    constexpr const char *kNames[] = {"float32", "float32", "float64", "int64", "int32", "bool"};
    return kNames[dtype];
}

struct Tensor {
    py::array values;
    py::object mask;  // None where the rows are of one size
};

Tensor make(const wb_tensor_info &info, const Longest &most) {
    std::vector<py::ssize_t> shape(info.shape, info.shape + info.rank);
    for (py::ssize_t &size : shape)
        size = size == -1 ? most.rows : size == -2 ? most.length : size == -3 ? most.tokens : size;
    Tensor tensor{py::array(py::dtype(numpy_dtype(info.dtype)), shape), py::none()};
    if (info.rank > 1 && info.shape[1] < 0) tensor.mask = py::array_t<bool>({shape[0], shape[1]});
    return tensor;
}

// The part of an array that is a block's.
template <class T = void>
std::pair<T *, size_t> part(py::array &array, int64_t base, int64_t rows) {
    const auto row_bytes = array.shape(0) > 0 ? static_cast<int64_t>(array.nbytes()) / array.shape(0) : 0;
    return {reinterpret_cast<T *>(static_cast<char *>(array.mutable_data()) + base * row_bytes),
            static_cast<size_t>(rows * row_bytes)};
}

py::tuple encode_blocks(const Blocks &blocks) {
    const Longest most = longest_of(blocks);
    const wb::Schema &schema = blocks.front()->bound().schema;
    std::vector<Tensor> tensors;
    for (uint32_t i = 0; i < schema.info().tensor_count; ++i) tensors.push_back(make(schema.tensor(i).value(), most));
    int64_t base = 0;
    for (const Block *block : blocks) {
        if (block->rows() == 0) continue;
        for (uint32_t i = 0; i < tensors.size(); ++i) {
            auto [data, bytes] = part(tensors[i].values, base, block->rows());
            std::pair<uint8_t *, size_t> mask{nullptr, 0};
            if (!tensors[i].mask.is_none()) {
                auto array = py::reinterpret_borrow<py::array>(tensors[i].mask);
                mask = part<uint8_t>(array, base, block->rows());
            }
            wb_error err = WB_ERROR_INIT;
            check(wb_batch_set_tensor(block->batch(), i, data, bytes, mask.first, mask.second, &err), err);
        }
        encode(*block, base, most.length, most.tokens);
        base += block->rows();
    }
    py::list values, masks;
    for (Tensor &tensor : tensors) {
        values.append(std::move(tensor.values));
        masks.append(std::move(tensor.mask));
    }
    return py::make_tuple(values, masks);
}

}  // namespace

void register_encode(py::module_ &module) { module.def("encode_blocks", &encode_blocks, py::arg("blocks")); }

}  // namespace weighbridge::python
