// SPDX-License-Identifier: Apache-2.0
// The command line, over CLI11. Only options.cpp includes CLI11, which takes seconds to compile.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace CLI {
class App;
}

namespace weighbridge::cli {

// The options of one verb. What the user writes goes into the caller's variable, which must outlive the parsing and
// otherwise keeps its value. A name is "--like-this".
class Options {
  public:
    explicit Options(CLI::App &app) : app_(&app) {}

    void argument(const char *name, std::string &value, const char *help);  // by position, required
    void required(const char *name, std::string &value, const char *help);
    void text(const char *name, std::string &value, const char *help);
    void word(const char *name, std::string &value, const char *help);  // not empty, as of a variable that is not set
    void texts(const char *name, std::vector<std::string> &values, const char *help);  // repeated, one value each
    void choice(const char *name, std::string &value, const std::vector<std::string> &choices, const char *help);
    // One of `names`, or some of them between commas; "" for what is so without the option.
    void name(const char *name, std::string &value, const std::vector<std::string> &names, const char *help);
    void names(const char *name, std::string &value, const std::vector<std::string> &names, const char *help);
    // Both ends are included.
    void count(const char *name, uint32_t &value, uint32_t least, uint32_t most, const char *help);
    void counts(const char *name, std::vector<uint32_t> &values, uint32_t least, uint32_t most,
                const char *help);  // one or several, between commas
    void number(const char *name, double &value, double least, double most, const char *help);
    void flag(const char *name, bool &value, const char *help);      // sets it to true
    void negation(const char *name, bool &value, const char *help);  // sets it to false

  private:
    CLI::App *app_;
};

// What the user typed: one verb, with its options.
class CommandLine {
  public:
    // @param footer  closes each help
    CommandLine(const char *about, const char *footer);
    ~CommandLine();

    Options add_verb(const char *name, const char *help);

    // False where help was asked for, and printed; --version is the verb `version`, `help VERB` is VERB --help. A
    // Failure (exit_usage) says what is wrong.
    bool parse(int argc, const char *const *argv);

    // The verb that parse() found, "" for none; also where parse() failed behind it.
    const std::string &verb() const { return verb_; }

  private:
    void check_verb(std::string_view word) const;
    [[noreturn]] void refuse_extra() const;

    std::unique_ptr<CLI::App> app_;
    std::vector<std::string> verbs_;
    std::string verb_;
};

}  // namespace weighbridge::cli
