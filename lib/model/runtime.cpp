// SPDX-License-Identifier: Apache-2.0
#include "model/runtime.hpp"

#include "model/model.hpp"

namespace weighbridge::lib {

Runtime::~Runtime() = default;  // every retired model owned this runtime, so none is left

void Runtime::retire_model(Model *model) {
    const Ref<Runtime> own(this);  // once it is in the list, whoever destroys it may be the last who owns the runtime
    Model *head = retired_.load(std::memory_order_relaxed);
    do model->next_retired_ = head;
    while (!retired_.compare_exchange_weak(head, model));
    if (closed_.load()) destroy_retired();
}

void Runtime::reap() {
    pools.trim();
    destroy_retired();
}

bool Runtime::has_upkeep() {
    return retired_.load(std::memory_order_relaxed) || pools.has_replaced() || events.has_undelivered();
}

// A model that goes retires its replicas, which go then. Whoever calls this owns the runtime.
void Runtime::destroy_retired() {
    while (Model *model = retired_.exchange(nullptr))
        while (model) {
            Model *next = model->next_retired_;
            delete model;
            model = next;
        }
}

void Runtime::close() {
    closed_.store(true);
    destroy_retired();
}

}  // namespace weighbridge::lib
