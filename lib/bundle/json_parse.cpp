// SPDX-License-Identifier: Apache-2.0
#include <set>

#include "base/fp_env.hpp"
#include "bundle/json_cursor.hpp"

namespace weighbridge::lib {
namespace {

// Builds the document from the parser's events, which (unlike the parser's own builder) lets duplicates and depth be
// refused before anything deep exists.
class StrictBuilder final : public nlohmann::json_sax<Json> {
  public:
    bool null() override { return put(nullptr); }
    bool boolean(bool value) override { return put(value); }
    bool number_integer(number_integer_t value) override { return put(value); }
    bool number_unsigned(number_unsigned_t value) override { return put(value); }
    bool number_float(number_float_t value, const string_t &) override { return put(value); }
    bool string(string_t &value) override { return put(std::move(value)); }
    bool binary(binary_t &) override { return false; }
    bool start_object(std::size_t) override { return open(Json::object()); }
    bool start_array(std::size_t) override { return open(Json::array()); }
    bool end_object() override { return close(); }
    bool end_array() override { return close(); }
    bool key(string_t &name) override {
        Frame &frame = frames_.back();
        frame.name = std::move(name);
        if (frame.names.insert(frame.name).second) return true;
        problem_ = path() + ": expected each key once, got it twice";
        return false;
    }
    bool parse_error(std::size_t position, const std::string &, const nlohmann::detail::exception &) override {
        position_ = position;
        return false;
    }

    Json &document() { return document_; }
    const std::string &problem() const { return problem_; }  // "" where the syntax is to blame
    std::size_t position() const { return position_; }       // bytes read when it was found

  private:
    struct Frame {
        Json value;
        std::string name;             // the key that the next value belongs to
        std::set<std::string> names;  // a tree: crafted keys cannot make look-ups slow
    };

    bool put(Json value) {
        if (frames_.empty()) {
            document_ = std::move(value);
        } else if (Frame &frame = frames_.back(); frame.value.is_object()) {
            // Straight to the end: the map's own insertion looks at every key before.
            frame.value.get_ref<Json::object_t &>().emplace_back(std::move(frame.name), std::move(value));
        } else {
            frame.value.get_ref<Json::array_t &>().push_back(std::move(value));
        }
        return true;
    }
    bool open(Json container) {
        if (frames_.size() == static_cast<size_t>(kJsonDepth)) {
            problem_ = path() + ": expected at most " + std::to_string(kJsonDepth) + " levels, got more";
            return false;
        }
        frames_.push_back({std::move(container), {}, {}});
        return true;
    }
    bool close() {
        Json value = std::move(frames_.back().value);
        frames_.pop_back();
        return put(std::move(value));
    }
    std::string path() const {
        std::string path;
        for (const Frame &frame : frames_) {
            if (frame.value.is_array())
                path += "[" + std::to_string(frame.value.size()) + "]";
            else
                path += (path.empty() ? "" : ".") + shown_text(frame.name, 40);
        }
        return path.size() > 120 ? "..." + shown_text(std::string_view(path).substr(path.size() - 117), 117) : path;
    }

    std::vector<Frame> frames_;
    Json document_;
    std::string problem_;
    std::size_t position_ = 0;
};

Status syntax_error(std::string_view file, std::string_view text, size_t position, Excerpt excerpt) {
    const size_t at = position == 0 ? 0 : std::min(position - 1, text.size());
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

Expected<Json> parse_json(std::string_view file, std::string_view text, size_t limit_bytes, Excerpt excerpt) {
    if (text.size() > limit_bytes)
        return Status::failure(WB_INVALID_BUNDLE, "{}: expected at most {} bytes, got {}", file, limit_bytes,
                               text.size());
    if (text.starts_with("\xEF\xBB\xBF"))
        return Status::failure(WB_INVALID_BUNDLE, "{}: expected UTF-8 without a byte order mark, got one", file);
    // Decimal numbers are read the same whatever rounding the host has set.
    FpEnvironment environment;
    StrictBuilder builder;
    bool parsed = false;
    try {
        parsed = Json::sax_parse(text.begin(), text.end(), &builder);
    } catch (const nlohmann::detail::exception &) {
        parsed = false;
    }
    if (parsed) return std::move(builder.document());
    if (!builder.problem().empty()) return Status::failure(WB_INVALID_BUNDLE, "{}: {}", file, builder.problem());
    return syntax_error(file, text, builder.position(), excerpt);
}

}  // namespace weighbridge::lib
