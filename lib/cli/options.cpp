// SPDX-License-Identifier: Apache-2.0
#include "cli/options.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <set>

#include "cli/command.hpp"
#include "cli/spelling.hpp"
#include "cli/text.hpp"

namespace weighbridge::cli {

namespace {

// The help shows the range as the value's type.
template <class T>
void check_range(CLI::Option *option, T least, T most) {
    auto check = [=](const std::string &text) -> std::string {
        T value = {};
        if (!CLI::detail::lexical_cast(text, value)) return formatted("expected {} to {}, got '{}'", least, most, text);
        if (value < least) return formatted("expected at least {}, got {}", least, text);
        if (value <= most) return {};
        return formatted("expected at most {}, got {}", most, text);
    };
    option->check(check)->type_name(formatted("[{} - {}]", least, most));
}

std::string check_name(const std::string &text, const std::vector<std::string> &names) {
    if (std::find(names.begin(), names.end(), text) != names.end()) return {};
    return formatted("expected {}, got '{}'", list_of(names), text);
}

// Between commas, with blanks around them, as the library reads lists; each once.
std::string check_names(const std::string &text, const std::vector<std::string> &names) {
    std::set<std::string> seen;
    for (size_t begin = 0; begin <= text.size();) {
        const size_t end = std::min(text.find(',', begin), text.size());
        const std::string one = text.substr(begin, end - begin);
        const size_t first = std::min(one.find_first_not_of(' '), one.size());
        const std::string name = one.substr(first, one.find_last_not_of(' ') + 1 - first);
        if (auto wrong = check_name(name, names); !wrong.empty()) return wrong;
        if (!seen.insert(name).second) return formatted("expected each once, got '{}' twice", name);
        begin = end + 1;
    }
    return {};
}

}  // namespace

void Options::argument(const char *name, std::string &value, const char *help) {
    app_->add_option(name, value, help)->required()->type_name("");
}

void Options::required(const char *name, std::string &value, const char *help) {
    app_->add_option(name, value, help)->required();
}

void Options::text(const char *name, std::string &value, const char *help) { app_->add_option(name, value, help); }

void Options::word(const char *name, std::string &value, const char *help) {
    auto check = [](const std::string &text) { return text.empty() ? "expected a text, got an empty one" : ""; };
    app_->add_option(name, value, help)->check(check);
}

void Options::texts(const char *name, std::vector<std::string> &values, const char *help) {
    app_->add_option(name, values, help)->allow_extra_args(false);
}

void Options::choice(const char *name, std::string &value, const std::vector<std::string> &choices, const char *help) {
    app_->add_option(name, value, help)->check(CLI::IsMember(choices));
}

void Options::name(const char *name, std::string &value, const std::vector<std::string> &names, const char *help) {
    auto check = [names](const std::string &text) { return text.empty() ? "" : check_name(text, names); };
    app_->add_option(name, value, help)->check(check);
}

void Options::names(const char *name, std::string &value, const std::vector<std::string> &names, const char *help) {
    auto check = [names](const std::string &text) { return text.empty() ? "" : check_names(text, names); };
    app_->add_option(name, value, help)->check(check);
}

void Options::count(const char *name, uint32_t &value, uint32_t least, uint32_t most, const char *help) {
    check_range(app_->add_option(name, value, help), least, most);
}

void Options::counts(const char *name, std::vector<uint32_t> &values, uint32_t least, uint32_t most, const char *help) {
    check_range(app_->add_option(name, values, help)->delimiter(',')->allow_extra_args(false), least, most);
}

void Options::number(const char *name, double &value, double least, double most, const char *help) {
    check_range(app_->add_option(name, value, help), least, most);
}

void Options::flag(const char *name, bool &value, const char *help) { app_->add_flag(name, value, help); }

void Options::negation(const char *name, bool &value, const char *help) {
    app_->add_flag_callback(
        name, [&value] { value = false; }, help);
}

CommandLine::CommandLine(const char *about, const char *footer)
    : app_(std::make_unique<CLI::App>(about, "weighbridge")) {
    app_->footer(footer);  // verbs inherit it
    app_->require_subcommand(1);
    app_->add_flag_callback(
        "--version", [] {}, "as the verb version");
}

CommandLine::~CommandLine() = default;

Options CommandLine::add_verb(const char *name, const char *help) {
    verbs_.emplace_back(name);
    return Options(*app_->add_subcommand(name, help));
}

// CLI11 says "A subcommand is required" of any word.
void CommandLine::check_verb(std::string_view word) const {
    if (std::find(verbs_.begin(), verbs_.end(), word) != verbs_.end()) return;
    const std::string verbs = "the verbs are " + list_of(verbs_, "and");
    if (word.size() > 1 && word.starts_with('-'))
        throw Failure(exit_usage, formatted("expected a verb, got the option '{}'; {}", word, verbs));
    const std::string nearest = nearest_name(word, verbs_);
    throw Failure(exit_usage, formatted("no such verb '{}'{} ({})", word,
                                        nearest.empty() ? "" : formatted("; did you mean '{}'?", nearest), verbs));
}

// CLI11 lists the words that are left over from the last to the first.
void CommandLine::refuse_extra() const {
    const CLI::App &verb = *app_->get_subcommands().front();
    std::vector<std::string> words = app_->remaining(true);  // behind "--" or "++" they are the app's, not the verb's
    std::erase(words, "--");
    if (words.empty()) throw Failure(exit_usage, "expected no more words");
    const auto option =
        std::find_if(words.begin(), words.end(), [](const auto &word) { return word.starts_with("-"); });
    if (option == words.end()) throw Failure(exit_usage, formatted("expected no '{}' there", words.front()));
    std::vector<std::string> names;
    for (const CLI::Option *one : verb.get_options())
        for (const std::string &name : one->get_lnames()) names.push_back("--" + name);
    const std::string name = option->substr(0, option->find('=')), nearest = nearest_name(name, names);
    throw Failure(exit_usage, formatted("no such option '{}'{}", name,
                                        nearest.empty() ? "" : formatted("; did you mean '{}'?", nearest)));
}

bool CommandLine::parse(int argc, const char *const *argv) {
    std::vector<std::string> words(argv + std::min(argc, 1), argv + argc);
    if (words.empty()) throw Failure(exit_usage, "expected a verb: " + list_of(verbs_));
    std::string &first = words.front();
    if (first == "--version") first = "version";
    if (first == "help") {
        first = "--help";
        if (words.size() > 1) std::swap(first, words[1]);
    }
    if (first != "-h" && first != "--help") check_verb(first);
    try {
        app_->parse(std::vector<std::string>(words.rbegin(), words.rend()));  // CLI11 takes them from the back
    } catch (const CLI::ParseError &error) {
        for (const CLI::App *verb : app_->get_subcommands()) verb_ = verb->get_name();
        if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::ExtrasError)) refuse_extra();
        if (error.get_exit_code() != 0) throw Failure(exit_usage, error.what());
        app_->exit(error);
        return false;
    }
    verb_ = app_->get_subcommands().front()->get_name();
    return true;
}

}  // namespace weighbridge::cli
