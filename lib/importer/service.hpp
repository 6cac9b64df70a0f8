// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/bytes.hpp"
#include "isolation/wire.hpp"
#include "torchscript/plugin_loader.hpp"

namespace weighbridge::lib {

// What an order comes to.
struct ImporterReply {
    int32_t code = 0;
    Bytes body;
};

// Carries out orders by the plug-in, on one thread.
class ImporterService {
  public:
    ImporterService() = default;
    ~ImporterService();
    ImporterService(const ImporterService &) = delete;
    ImporterService &operator=(const ImporterService &) = delete;

    // Opens the plug-in, sets up this thread and has LibTorch do what it does once in a process.
    Status open(const ImporterStart &start);
    ImporterReply perform(WireKind kind, ByteView body);

  private:
    ImporterReply import_module(ByteView body) const;
    ImporterReply load(ByteView body);
    ImporterReply run(ByteView body) const;

    Plugin plugin_;
    wb_plugin_module *module_ = nullptr;
};

}  // namespace weighbridge::lib
