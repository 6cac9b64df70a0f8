// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

// What the `tokenizers` package takes code points for. Its Rust crates are of several Unicode versions, none of them
// the newest: these are its answers, not those of one version of the standard.
namespace weighbridge::lib::unicode {

bool is_dropped(char32_t point);      // by clean_text: NUL, U+FFFD, controls other than \t \n \r, format, private use
bool is_space(char32_t point);        // White_Space; some of it is dropped before it can part words
bool is_ideograph(char32_t point);    // handle_chinese_chars puts spaces around it
bool is_punctuation(char32_t point);  // a word of its own; ASCII symbols ($, +, ...) count

// A mark's part in canonical ordering. Marks of order 0 stay where they are and let no other mark pass.
struct Mark {
    uint8_t order = 0;
    bool nonspacing = false;  // stripping accents drops it
};
Mark mark(char32_t point);

// Canonical decomposition in full, less the nonspacing marks that other marks may pass. At most 3 code points, 0 of
// them where it consists of such marks only.
struct BaseForm {
    char32_t points[3];
    uint8_t length;
};
BaseForm base_form(char32_t point);

// Lower case, the same in every language and context. U+0130 alone becomes two code points: the second is in `extra`,
// which is 0 for all others.
char32_t lower(char32_t point, char32_t &extra);

}  // namespace weighbridge::lib::unicode
