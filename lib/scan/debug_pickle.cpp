// SPDX-License-Identifier: Apache-2.0
// What a .py.debug_pkl holds: which source line a range of the code comes from.
#include <algorithm>
#include <map>

#include "scan/pickle_reader.hpp"

namespace weighbridge::lib {
namespace {

using Kind = PickleValue::Kind;

constexpr std::string_view kWithTable = "FORMAT_WITH_STRING_TABLE";
constexpr int64_t kLargest = int64_t{1} << 31;
constexpr uint64_t kMostTexts = 1'000'000;  // of all sources, which may share them

bool is_place(const PickleValue &value, int64_t end) {
    return value.kind == Kind::integer && value.integer >= 0 && value.integer < end;
}

// LibTorch takes places of texts, and of letters in them, from here without looking.
class DebugForm {
  public:
    DebugForm(const PickleValues &values, const PickleValue *table) : values_(values), table_(table) {}

    // (offset, (source, start, end)[, tag])
    bool is_record(const PickleValue &value) {
        if (value.kind != Kind::tuple || value.count < 2 || value.count > 3) return false;
        const PickleValue &range = values_.child(value, 1);
        const bool tag = value.count == 2 || values_.child(value, 2).kind == Kind::integer;
        if (!tag || !is_place(values_.child(value, 0), kLargest) || range.kind != Kind::tuple || range.count != 3)
            return false;
        const PickleValue &source = values_.child(range, 0);
        const auto [known, fresh] = letters_.try_emplace(&source, 0);
        if (fresh && !is_source(source, known->second)) return false;
        const int64_t end = std::max<int64_t>(known->second, 1) + 1;  // PyTorch ends an empty text's range at 1
        return is_place(values_.child(range, 1), end) && is_place(values_.child(range, 2), end);
    }

  private:
    // (texts, file's name, line): texts and name by their places in the table, or themselves where there is none
    bool is_source(const PickleValue &value, int64_t &letters) {
        if (value.kind != Kind::tuple || value.count != 3 || !is_place(values_.child(value, 2), kLargest)) return false;
        const PickleValue &texts = values_.child(value, 0), &name = values_.child(value, 1);
        if (!table_) {
            letters = static_cast<int64_t>(texts.text.size());
            return texts.kind == Kind::text && (name.kind == Kind::text || name.kind == Kind::none);
        }
        texts_ += texts.count;
        if (texts.kind != Kind::list || texts_ > kMostTexts) return false;
        for (size_t i = 0; i < texts.count; ++i) {
            const PickleValue &place = values_.child(texts, i);
            if (!is_place(place, table_->count)) return false;
            letters += static_cast<int64_t>(values_.child(*table_, static_cast<size_t>(place.integer)).text.size());
        }
        return letters < kLargest && (name.kind == Kind::none || is_place(name, table_->count));
    }

    const PickleValues &values_;
    const PickleValue *const table_;
    uint64_t texts_ = 0;
    std::map<const PickleValue *, int64_t> letters_;  // of each source, which many records share
};

}  // namespace

// (FORMAT_WITH_STRING_TABLE, texts, records), or records alone
bool is_debug_form(const PickleValues &values, const PickleValue &root) {
    const bool tabled =
        root.count == 3 && values.child(root, 0).kind == Kind::text && values.child(root, 0).text == kWithTable;
    const PickleValue *table = tabled ? &values.child(root, 1) : nullptr;
    const PickleValue &records = tabled ? values.child(root, 2) : root;
    if (records.kind != Kind::tuple || (table && table->kind != Kind::tuple)) return false;
    for (size_t i = 0; table && i < table->count; ++i)
        if (values.child(*table, i).kind != Kind::text) return false;
    DebugForm form(values, table);
    for (size_t i = 0; i < records.count; ++i)
        if (!form.is_record(values.child(records, i))) return false;
    return true;
}

}  // namespace weighbridge::lib
