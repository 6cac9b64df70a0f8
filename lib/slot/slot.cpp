// SPDX-License-Identifier: Apache-2.0
#include "slot/slot.hpp"

#include <mutex>
#include <utility>

#include "base/thread_place.hpp"
#include "feature/type_name.hpp"

namespace weighbridge::lib {
namespace {

// Where each of the new schema's features stands in `old_schema`; a failure where rows of `old_schema` would not fit.
Expected<std::vector<int32_t>> map_layout(const Schema &old_schema, const Schema &new_schema, Deployment::Extra extra) {
    for (const Feature &old_feature : old_schema.features()) {
        auto index = new_schema.find(old_feature.name);
        if (!index && extra == Deployment::Extra::ignore) continue;
        if (!index)
            return Status::failure(WB_SCHEMA_CHANGED, "feature '{}': expected it as in the serving model, found none",
                                   old_feature.name);
        const Feature &feature = new_schema.features()[*index];
        if (feature.type != old_feature.type || feature.sequence != old_feature.sequence)
            return Status::failure(WB_SCHEMA_CHANGED, "feature '{}': expected {} as in the serving model, found {}",
                                   feature.name, describe_type(old_feature), describe_type(feature))
                .with_feature(static_cast<int32_t>(*index));
        if (feature.money_exponent != old_feature.money_exponent ||
            feature.ticks_per_second != old_feature.ticks_per_second)
            return Status::failure(WB_SCHEMA_CHANGED,
                                   "feature '{}': expected the serving model's unit (money exponent {}, {} ticks a "
                                   "second), found money exponent {}, {} ticks a second",
                                   feature.name, old_feature.money_exponent, old_feature.ticks_per_second,
                                   feature.money_exponent, feature.ticks_per_second)
                .with_feature(static_cast<int32_t>(*index));
    }
    std::vector<int32_t> wanted;
    for (const Feature &feature : new_schema.features()) {
        auto index = old_schema.find(feature.name);
        if (!index && !feature.missing)
            return Status::failure(WB_SCHEMA_CHANGED, "feature '{}': expected a default, for it is new; found none",
                                   feature.name);
        wanted.push_back(index ? static_cast<int32_t>(*index) : -1);
    }
    return wanted;
}

}  // namespace

Expected<Ref<Deployment>> Deployment::make(Ref<Model> model, const Deployment *before, Extra extra) {
    Ref<Deployment> made(new Deployment(std::move(model)));
    const auto &schema = made->model_->bundle().schema();
    made->layouts_.push_back({schema, {}});
    if (!before) return made;
    for (const Layout &layout : before->layouts()) {
        if (layout.schema->digest() == schema->digest()) continue;
        auto wanted = map_layout(*layout.schema, *schema, extra);
        if (!wanted) return wanted.status();
        made->layouts_.push_back({layout.schema, *std::move(wanted)});
    }
    return made;
}

const Deployment::Layout *Deployment::layout(uint64_t schema_digest) const {
    for (const Layout &layout : layouts_)
        if (layout.schema->digest() == schema_digest) return &layout;
    return nullptr;
}

Slot::~Slot() { clear(); }

Ref<Deployment> Slot::current() {
    std::lock_guard lock(readers_[place_of_this_thread(kReaderBits)].mutex);
    return Ref<Deployment>(current_);
}

// The slot's two pointers each hold one count, moved here from the references.
void Slot::publish(Ref<Deployment> current, Ref<Deployment> previous) {
    if (current) current->retain();
    if (previous) previous->retain();
    for (Reader &reader : readers_) reader.mutex.lock();
    Deployment *old_current = std::exchange(current_, current.get());
    for (Reader &reader : readers_) reader.mutex.unlock();
    Deployment *old_previous = previous_;
    previous_ = previous.get();
    if (old_current) old_current->release();
    if (old_previous) old_previous->release();
}

Status Slot::swap(Ref<Model> model) {
    std::lock_guard lock(writer_);
    Ref<Deployment> before(current_);
    auto next = Deployment::make(std::move(model), before.get(), Deployment::Extra::refuse);
    if (!next) return next.status();
    publish(*std::move(next), std::move(before));
    return Status();
}

Status Slot::rollback() {
    std::lock_guard lock(writer_);
    Ref<Deployment> current(current_), previous(previous_);
    if (!previous) return Status::failure(WB_INVALID_ARGUMENT, "slot '{}': there is no model to roll back to", name_);
    auto next = Deployment::make(previous->model_ref(), current.get(), Deployment::Extra::ignore);
    if (!next) return next.status();
    publish(*std::move(next), std::move(current));
    return Status();
}

void Slot::clear() {
    std::lock_guard lock(writer_);
    publish(Ref<Deployment>(), Ref<Deployment>());
}

}  // namespace weighbridge::lib
