// SPDX-License-Identifier: Apache-2.0
#include "feature/arrow_rows.hpp"

#include <limits>
#include <string>
#include <string_view>

namespace weighbridge::lib {

namespace {

constexpr size_t kMostNamed = 3;

Status check_struct(const ArrowSchema &type, const ArrowArray &array, int64_t rows) {
    constexpr int32_t bad = WB_INVALID_ARGUMENT;
    if (!type.release || !array.release)
        return Status::failure(bad, "expected an Arrow array, got a released one (release is NULL)");
    if (!type.format || std::string_view(type.format) != "+s" || type.dictionary || array.dictionary)
        return Status::failure(bad, "expected an Arrow struct ('+s'), got format {}{}", quoted(type.format),
                               type.dictionary || array.dictionary ? " with a dictionary" : "");
    if (array.length != rows)
        return Status::failure(bad, "expected {} rows, got an Arrow struct of {}", rows, array.length);
    if (array.offset < 0 || array.offset > std::numeric_limits<int64_t>::max() - rows)
        return Status::failure(bad, "Arrow struct of length {} at offset {} is out of range", rows, array.offset);
    if (array.null_count < -1 || array.null_count > rows)
        return Status::failure(bad, "Arrow struct of length {} has null_count {}", rows, array.null_count);
    if (array.n_buffers != 1 || !array.buffers)
        return Status::failure(bad, "expected 1 buffer for an Arrow struct, got {}{}", array.n_buffers,
                               array.buffers ? "" : " at NULL");
    if (array.null_count > 0 && !array.buffers[0])
        return Status::failure(bad, "Arrow struct has null_count {} and no validity buffer", array.null_count);
    if (type.n_children != array.n_children || type.n_children < 0)
        return Status::failure(bad, "expected the Arrow type and the array to agree on their children, got {} and {}",
                               type.n_children, array.n_children);
    if (type.n_children > 0 && (!type.children || !array.children))
        return Status::failure(bad, "Arrow struct has NULL for its children");
    for (int64_t i = 0; i < type.n_children; ++i)
        if (!type.children[i] || !array.children[i])
            return Status::failure(bad, "Arrow struct has NULL for child {}", i);
    return Status();
}

// Names for a message: the first few, and how many more there are.
class Names {
  public:
    void add(const std::string &name) {
        if (count_++ < kMostNamed) text_ += (count_ > 1 ? ", " : "") + name;
    }
    bool empty() const { return count_ == 0; }
    std::string text() const {
        return count_ <= kMostNamed ? text_ : text_ + formatted(" and {} more", count_ - kMostNamed);
    }

  private:
    std::string text_;
    size_t count_ = 0;
};

// Which child is each feature's, -1 for none.
Status match(const Schema &schema, const ArrowSchema &type, std::vector<int64_t> &children) {
    Names missing, unknown;
    std::string near;
    for (int64_t i = 0; i < type.n_children; ++i) {
        const char *name = type.children[i]->name;
        const auto found = name ? schema.find(name) : std::nullopt;
        if (!found) {
            if (unknown.empty() && name) near = schema.nearest(std::string_view(name).substr(0, 64));
            unknown.add(quoted(name));
        } else if (children[*found] >= 0) {
            return Status::failure(WB_INVALID_ARGUMENT,
                                   "feature '{}': expected one Arrow column, got columns {} and {}", name,
                                   children[*found], i)
                .with_feature(static_cast<int32_t>(*found));
        } else {
            children[*found] = i;
        }
    }
    for (size_t i = 0; i < children.size(); ++i)
        if (children[i] < 0 && !schema.features()[i].missing) missing.add("'" + schema.features()[i].name + "'");
    if (missing.empty() && unknown.empty()) return Status();
    std::string what;
    if (!missing.empty()) what += "missing " + missing.text();
    if (!unknown.empty()) what += (what.empty() ? "unknown " : "; unknown ") + unknown.text();
    if (!near.empty()) what += " (near the first: " + near + ")";
    return Status::failure(WB_INVALID_ARGUMENT, "Arrow columns: {}", what);
}

}  // namespace

Expected<ArrowRows> ArrowRows::make(const Schema &schema, const ArrowSchema &type, const ArrowArray &array,
                                    int64_t rows) {
    if (Status status = check_struct(type, array, rows); !status.ok()) return status;
    std::vector<int64_t> children(schema.features().size(), -1);
    if (Status status = match(schema, type, children); !status.ok()) return status;
    ArrowRows made;
    made.columns.resize(children.size());
    made.validity = static_cast<const uint8_t *>(array.buffers[0]);
    made.offset = array.offset;
    for (uint32_t i = 0; i < children.size(); ++i) {
        if (children[i] < 0) continue;
        auto column = ArrowColumn::make_child(schema.features()[i], i, *type.children[children[i]],
                                              *array.children[children[i]], array.offset, rows);
        if (!column) return column.status();
        made.columns[i] = std::make_shared<const ArrowColumn>(*std::move(column));
    }
    return made;
}

}  // namespace weighbridge::lib
