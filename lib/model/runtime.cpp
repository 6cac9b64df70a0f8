// SPDX-License-Identifier: Apache-2.0
#include "model/runtime.hpp"

#include "model/model.hpp"

namespace weighbridge::lib {

Runtime::~Runtime() = default;  // every buried model owned this runtime, so none is left

void Runtime::bury(Model *model) {
    const Ref<Runtime> own(this);  // once it is in the list, whoever destroys it may be the last who owns the runtime
    Model *head = buried_.load(std::memory_order_relaxed);
    do model->next_buried_ = head;
    while (!buried_.compare_exchange_weak(head, model));
    if (closed_.load()) destroy_buried();
}

void Runtime::reap() {
    pools.trim();
    destroy_buried();
}

bool Runtime::has_upkeep() {
    return buried_.load(std::memory_order_relaxed) || pools.has_replaced() || events.has_undelivered();
}

// The runtime may go with the last of them.
void Runtime::destroy_buried() {
    Model *model = buried_.exchange(nullptr);
    while (model) {
        Model *next = model->next_buried_;
        delete model;
        model = next;
    }
}

void Runtime::close() {
    closed_.store(true);
    destroy_buried();
}

}  // namespace weighbridge::lib
