// SPDX-License-Identifier: Apache-2.0
#include "slot/slot.hpp"

#include <algorithm>
#include <utility>

#include "base/lock.hpp"
#include "base/thread_place.hpp"

namespace weighbridge::lib {
namespace {

constexpr size_t kToldChanges = 8;  // in one event; a model may add thousands of features

// The position in the old schema of each feature of the new one, -1 where it has none.
std::vector<int32_t> map_layout(const Schema &old_schema, const Schema &new_schema) {
    std::vector<int32_t> positions;
    for (const Feature &feature : new_schema.features()) {
        const auto index = old_schema.find(feature.name);
        positions.push_back(index ? static_cast<int32_t>(*index) : -1);
    }
    return positions;
}

std::string told(std::string_view what, const std::vector<std::string> &changes) {
    std::string text;
    for (size_t i = 0; i < std::min(changes.size(), kToldChanges); ++i)
        text += (i == 0 ? std::string(what) + ": " : ", ") + changes[i];
    if (changes.size() > kToldChanges) text += formatted(" and {} more", changes.size() - kToldChanges);
    return text;
}

// As wb_result.bundle.
uint64_t bundle_of(const Model &model) {
    wb_result result;
    model.name(result);
    return result.bundle;
}

Ledger::Entry entry_of(const Ref<Deployment> &deployment) {
    if (!deployment) return {};
    return {deployment->account(), bundle_of(deployment->model())};
}

}  // namespace

Expected<Ref<Deployment>> Deployment::make(Ref<Model> model, Ref<Account> account, const Deployment *before,
                                           Change change) {
    const Manifest &manifest = model->bundle().manifest();
    Ref<Deployment> made(new Deployment(std::move(model), std::move(account), Promise(manifest)));
    const auto &schema = made->model_->bundle().schema();
    made->layouts_.push_back({schema, {}});
    if (!before) return made;
    auto gained = before->promise_.compare(made->promise_);
    if (!gained && change == Change::swap) return gained.status();
    if (gained) {
        made->news_ = told("new to callers", *gained);
    } else if (auto lost = made->promise_.compare(Promise(before->model().bundle().manifest())); lost) {
        made->news_ = told("callers lose", *lost);
    }
    made->promise_.remember(before->promise_);
    for (const Layout &layout : before->layouts())
        if (layout.schema->digest() != schema->digest())
            made->layouts_.push_back({layout.schema, map_layout(*layout.schema, *schema)});
    return made;
}

const Deployment::Layout *Deployment::layout(uint64_t schema_digest) const {
    for (const Layout &layout : layouts_)
        if (layout.schema->digest() == schema_digest) return &layout;
    return nullptr;
}

Slot::~Slot() { clear(); }

Ref<Deployment> Slot::current() {
    const Lock lock(readers_[place_of_this_thread(kReaderBits)].mutex);
    return Ref<Deployment>(current_);
}

// Unchecked: clang's analysis does not follow a loop that locks all shards.
Deployment *Slot::exchange_current(Deployment *current) WB_UNCHECKED {
    for (Reader &reader : readers_) reader.mutex.lock();
    Deployment *old = std::exchange(current_, current);
    for (Reader &reader : readers_) reader.mutex.unlock();
    return old;
}

// Moves both references into the slot's raw pointers, each of which owns one count.
void Slot::publish(Ref<Deployment> current, Ref<Deployment> previous) {
    if (current) current->retain();
    if (previous) previous->retain();
    Deployment *old_current = exchange_current(current.get());
    Deployment *old_previous = std::exchange(previous_, previous.get());
    if (old_current) old_current->release();
    if (old_previous) old_previous->release();
}

void Slot::serve(Ref<Deployment> current, Ref<Deployment> previous) {
    ledger_.serve(entry_of(current), entry_of(previous), current->model().runtime().clock.now_ns());
    publish(std::move(current), std::move(previous));
}

Expected<Ref<Deployment>> Slot::swap(Ref<Model> model) {
    const Lock lock(writer_);
    Ref<Deployment> before(current_);
    Ref<Account> account = ledger_.account(bundle_of(*model), model->bundle().manifest().identity.version);
    auto next = Deployment::make(std::move(model), std::move(account), before.get(), Deployment::Change::swap);
    if (next) serve(*next, std::move(before));
    return next;
}

Expected<Ref<Deployment>> Slot::rollback() {
    const Lock lock(writer_);
    Ref<Deployment> current(current_), previous(previous_);
    if (!previous) return Status::failure(WB_NOT_LOADED, "slot '{}': there is no model to roll back to", name_);
    auto next =
        Deployment::make(previous->model_ref(), previous->account(), current.get(), Deployment::Change::rollback);
    if (next) serve(*next, std::move(current));
    return next;
}

void Slot::forget_previous() {
    const Lock lock(writer_);
    ledger_.forget_previous();
    publish(Ref<Deployment>(current_), Ref<Deployment>());
}

void Slot::clear() {
    const Lock lock(writer_);
    ledger_.clear();
    publish(Ref<Deployment>(), Ref<Deployment>());
}

}  // namespace weighbridge::lib
