// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <charconv>
#include <set>

#include "base/json_text.hpp"
#include "bundle/json_cursor.hpp"
#include "feature/decimal.hpp"

namespace weighbridge::lib {
namespace {

// Builds the document from the events, so that duplicates and depth are refused before anything deep exists.
class StrictBuilder final : public JsonEvents {
  public:
    bool null() override { return put({}); }
    bool boolean(bool value) override { return put(value); }
    bool number(std::string_view text) override {
        // An integer where 64 bits hold it, else the nearest double.
        const char *end = text.data() + text.size();
        const std::from_chars_result whole{end, std::errc()};
        uint64_t natural = 0;
        int64_t integer = 0;
        double number = 0;
        if (std::from_chars(text.data(), end, natural) == whole) return put(natural);
        if (std::from_chars(text.data(), end, integer) == whole) return put(integer);
        if (read_decimal(text, number)) return put(number);
        problem_ = path() + ": expected a number that float64 holds, got a larger one";
        return false;
    }
    bool string(std::string_view value) override { return put(value); }
    bool start_object() override { return open(JsonValue::object()); }
    bool start_array() override { return open(JsonValue::array()); }
    bool end_object() override { return close(); }
    bool end_array() override { return close(); }
    bool key(std::string_view name) override {
        Frame &frame = frames_.back();
        frame.name = name;
        if (frame.names.insert(frame.name).second) return true;
        problem_ = path() + ": expected each key once, got it twice";
        return false;
    }

    JsonValue &document() { return document_; }
    const std::string &problem() const { return problem_; }

  private:
    struct Frame {
        JsonValue value;
        std::string name;             // the key that the next value belongs to
        std::set<std::string> names;  // a tree: crafted keys cannot make look-ups slow
    };

    bool put(JsonValue value) {
        if (frames_.empty()) {
            document_ = std::move(value);
        } else if (Frame &frame = frames_.back(); frame.value.get<JsonValue::Members>()) {
            frame.value.add(std::move(frame.name), std::move(value));
        } else {
            frame.value.push_back(std::move(value));
        }
        return true;
    }
    bool open(JsonValue container) {
        if (frames_.size() == static_cast<size_t>(kJsonDepth)) {
            problem_ = path() + ": expected at most " + std::to_string(kJsonDepth) + " levels, got more";
            return false;
        }
        frames_.push_back({std::move(container), {}, {}});
        return true;
    }
    bool close() {
        JsonValue value = std::move(frames_.back().value);
        frames_.pop_back();
        return put(std::move(value));
    }
    std::string path() const {
        std::string path;
        for (const Frame &frame : frames_) {
            if (const auto *elements = frame.value.get<JsonValue::Elements>())
                path += "[" + std::to_string(elements->size()) + "]";
            else
                path += (path.empty() ? "" : ".") + shown_text(frame.name, 40);
        }
        return path.size() > 120 ? "..." + shown_text(std::string_view(path).substr(path.size() - 117), 117) : path;
    }

    std::vector<Frame> frames_;
    JsonValue document_;
    std::string problem_;
};

Status syntax_error(std::string_view file, std::string_view text, size_t at, Excerpt excerpt) {
    const std::string_view before = text.substr(0, at);
    const auto line = 1 + std::count(before.begin(), before.end(), '\n');
    const size_t start = before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1;
    std::string got = "the end";
    if (at < text.size())
        got = excerpt == Excerpt::shown ? "'" + shown_text(text.substr(at), 24) + "'" : std::string("something else");
    return Status::failure(WB_INVALID_BUNDLE, "{}: line {}, column {}: expected JSON, got {}", file, line,
                           at - start + 1, got);
}

}  // namespace

Expected<JsonValue> parse_json(std::string_view file, std::string_view text, size_t limit_bytes, Excerpt excerpt) {
    if (text.size() > limit_bytes)
        return Status::failure(WB_INVALID_BUNDLE, "{}: expected at most {} bytes, got {}", file, limit_bytes,
                               text.size());
    if (text.starts_with("\xEF\xBB\xBF"))
        return Status::failure(WB_INVALID_BUNDLE, "{}: expected UTF-8 without a byte order mark, got one", file);
    StrictBuilder builder;
    const JsonRead read = read_json(text, builder);
    if (read.end == JsonRead::End::stopped)
        return Status::failure(WB_INVALID_BUNDLE, "{}: {}", file, builder.problem());
    if (read.end == JsonRead::End::malformed) return syntax_error(file, text, read.position, excerpt);
    return std::move(builder.document());
}

}  // namespace weighbridge::lib
