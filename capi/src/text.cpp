// SPDX-License-Identifier: Apache-2.0
#include "objects.hpp"
#include "weighbridge.h"

using namespace weighbridge;
using capi::Kind;

extern "C" {

const char *wb_text_data(wb_text *text) {
    capi::Pinned<capi::TextObject> object(Kind::text, text);
    return object ? object->text.c_str() : nullptr;
}

size_t wb_text_size(wb_text *text) {
    capi::Pinned<capi::TextObject> object(Kind::text, text);
    return object ? object->text.size() : 0;
}

void wb_text_free(wb_text *text) { capi::free_of(Kind::text, text); }

}  // extern "C"
