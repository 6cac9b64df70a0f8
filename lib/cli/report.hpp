// SPDX-License-Identifier: Apache-2.0
// What the command tells of its work: a tree of named values, JSON for programs and tables for people.
#pragma once

#include <concepts>
#include <string>
#include <string_view>
#include <vector>

namespace weighbridge::cli {

// A value of JSON; an object keeps its members in the order in which they came.
class Report {
  public:
    enum class Kind { null, boolean, number, text, list, object };
    struct Member;

    Report();  // null
    Report(bool value);
    Report(double value);  // null where it is not finite, which JSON has no word for
    Report(std::string value);
    Report(const char *value);
    template <std::integral T>
    Report(T value) : Report(Kind::number, std::to_string(value)) {}
    Report(std::initializer_list<Member> members);

    // Null where the text is not JSON.
    static Report parse(std::string_view json);

    Kind kind() const { return kind_; }
    bool is(Kind kind) const { return kind_ == kind; }
    bool is_part() const { return kind_ == Kind::list || kind_ == Kind::object; }
    bool is_true() const { return is(Kind::boolean) && text_ == "true"; }
    // Of a text, and of a number as JSON writes it.
    const std::string &text() const { return text_; }

    // Of an object, and of a list, whose names are empty.
    const std::vector<Member> &members() const { return members_; }
    std::vector<Member> &members() { return members_; }
    // The member of an object; a null one, kept or only returned, where there is none.
    Report &operator[](std::string_view name);
    const Report &operator[](std::string_view name) const;
    void erase(std::string_view name);
    void push_back(Report element);  // of a list

    std::string json() const;  // one line
    std::string tables() const;

  private:
    friend class ReportReader;
    Report(Kind kind, std::string text);
    void append_json(std::string &out) const;

    Kind kind_ = Kind::null;
    std::string text_;
    std::vector<Member> members_;
};

struct Report::Member {
    std::string name;
    Report value;
};

}  // namespace weighbridge::cli
