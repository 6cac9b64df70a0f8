// SPDX-License-Identifier: Apache-2.0
// Prints the importer's table of operators for arguments.py: a line "operator name arguments" for each, then a line
// "ignored operator argument why" ("*" for all operators) for each argument without effect; parts split by tabs.
#include <cstdio>

#include "torch/lower/call.hpp"

int main() {
    using namespace weighbridge::torch_plugin;
    for (const auto &[name, lowering] : registry()) std::printf("operator\t%s\t%s\n", name.c_str(), lowering.arguments);
    for (const WithoutEffect &one : without_effect())
        std::printf("ignored\t%s\t%s\t%s\n", *one.operator_name ? one.operator_name : "*", one.argument, one.why);
    for (const Refused &one : refused()) std::printf("refused\t%s\t%s\t%s\n", one.operators, one.why, one.instead);
}
