// SPDX-License-Identifier: Apache-2.0
#include "backend/native/level.hpp"
#include "base/clock.hpp"
#include "base/cpu.hpp"
#include "base/json.hpp"
#include "base/status_name.hpp"
#include "objects.hpp"
#include "pool/pool.hpp"
#include "torchscript/torchscript.hpp"
#include "weighbridge.h"

using namespace weighbridge;

extern "C" {

int64_t wb_now_ns(void) { return lib::steady_clock().now_ns(); }

const char *wb_version(void) { return WB_VERSION_STRING; }

int32_t wb_abi_version(void) { return WB_ABI_VERSION; }

int32_t wb_abi_minor(void) { return WB_ABI_MINOR; }

const char *wb_status_name(int32_t status) { return lib::status_name(status); }

int32_t wb_system_info(wb_text **out, wb_error *err) {
    return capi::barrier(out, err, [&] {
        lib::JsonValue info;
        info["version"] = WB_VERSION_STRING;
        info["abi"] = WB_ABI_VERSION;
        info["cpu_features"] = lib::JsonValue::array(lib::cpu_features());
        info["cpu_contexts"] = lib::automatic_cpu_contexts();
        info["cpu_level"] = lib::native::name_of(lib::native::best_level(false));
        info["backends"] = lib::JsonValue::array(std::vector{"native", "reference"});
        lib::JsonValue plugins = lib::describe_plugins();
        if (!plugins.get<lib::JsonValue::Elements>()->empty()) info["backends"].push_back("torchscript");
        info["plugins"] = std::move(plugins);
        return capi::give_text(out, info.lines());
    });
}

}  // extern "C"
