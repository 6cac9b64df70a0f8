// SPDX-License-Identifier: Apache-2.0
#include "cli/options.hpp"

#include <CLI/CLI.hpp>

#include "cli/command.hpp"

namespace weighbridge::cli {

namespace {

// The help shows the range as the value's type.
template <class T>
void check_range(CLI::Option *option, T least, T most) {
    CLI::Validator range = CLI::Range(least, most);
    std::string type = range.get_description();
    option->check(range.description(""))->type_name(type.substr(type.find('[')));
}

}  // namespace

void Options::argument(const char *name, std::string &value, const char *help) {
    app_->add_option(name, value, help)->required()->type_name("");
}

void Options::required(const char *name, std::string &value, const char *help) {
    app_->add_option(name, value, help)->required();
}

void Options::text(const char *name, std::string &value, const char *help) { app_->add_option(name, value, help); }

void Options::texts(const char *name, std::vector<std::string> &values, const char *help) {
    app_->add_option(name, values, help)->allow_extra_args(false);
}

void Options::choice(const char *name, std::string &value, const std::vector<std::string> &choices, const char *help) {
    app_->add_option(name, value, help)->check(CLI::IsMember(choices));
}

void Options::count(const char *name, uint32_t &value, uint32_t least, uint32_t most, const char *help) {
    check_range(app_->add_option(name, value, help), least, most);
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
}

CommandLine::~CommandLine() = default;

Options CommandLine::add_verb(const char *name, const char *help) { return Options(*app_->add_subcommand(name, help)); }

bool CommandLine::parse(int argc, const char *const *argv) {
    try {
        app_->parse(argc, argv);
    } catch (const CLI::ParseError &error) {
        for (const CLI::App *verb : app_->get_subcommands()) verb_ = verb->get_name();
        if (error.get_exit_code() != 0) throw Failure(exit_usage, error.what());
        app_->exit(error);
        return false;
    }
    verb_ = app_->get_subcommands().front()->get_name();
    return true;
}

}  // namespace weighbridge::cli
