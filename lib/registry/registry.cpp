// SPDX-License-Identifier: Apache-2.0
#include "registry/registry.hpp"

#include <algorithm>

#include "base/lock.hpp"
#include "base/spelling.hpp"

namespace weighbridge::lib {
namespace {

Status check_name(const std::string &name) {
    auto good = [](unsigned char c) {
        return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' || c == '.' ||
               c == '-';
    };
    if (!name.empty() && name.size() <= 63 && std::all_of(name.begin(), name.end(), good)) return {};
    constexpr size_t kShown = 64;
    std::string shown = name.substr(0, kShown);
    std::replace_if(
        shown.begin(), shown.end(), [](unsigned char c) { return c < ' ' || c > '~'; }, '?');
    return Status::failure(WB_INVALID_ARGUMENT,
                           "slot name: expected 1 to 63 bytes of [A-Za-z0-9_.-], got '{}'{}, {} bytes", shown,
                           name.size() > kShown ? "..." : "", name.size());
}

}  // namespace

Expected<Ref<Slot>> Registry::open(const std::string &name) {
    if (Status status = check_name(name); !status.ok()) return status;
    const Lock lock(writer_);
    if (auto found = slots_.find(name)) return found;
    auto made = make_ref<Slot>(name);
    slots_.add(made);
    return made;
}

Expected<Ref<Slot>> Registry::existing(const std::string &name) const {
    if (Status status = check_name(name); !status.ok()) return status;
    if (auto found = slots_.find(name)) return found;
    const auto all = list();
    if (all.empty()) return Status::failure(WB_NOT_FOUND, "slot '{}': the engine has no slots", name);
    std::vector<std::string_view> names;
    for (const auto &slot : all) names.emplace_back(slot->name());
    return Status::failure(WB_NOT_FOUND, "slot '{}': expected one of the {} slots; near: {}", name, names.size(),
                           nearest_names(name, names));
}

Ref<Deployment> Registry::fallback_of(const Model &model) const {
    const std::string &name = model.bundle().manifest().fallback.slot;
    if (name.empty()) return {};
    const auto slot = slots_.find(name);
    auto spare = slot ? slot->current() : Ref<Deployment>();
    return spare && spare->model().band_names() == model.band_names() ? spare : Ref<Deployment>();
}

std::string Registry::fallback_problem(const Model &model, const Slot *serving) const {
    const Bundle &bundle = model.bundle();
    const std::string &name = bundle.manifest().fallback.slot;
    if (name.empty()) return {};
    std::string problem;
    const auto slot = slots_.find(name);
    const auto spare = slot ? slot->current() : Ref<Deployment>();
    if (serving && serving->name() == name) {
        problem = "is the one that serves it";
    } else if (!slot) {
        problem = "does not exist";
    } else if (!spare) {
        problem = "is empty";
    } else if (&spare->model() == &model) {
        problem = "serves the same model";
    } else {
        const Manifest &other = spare->model().bundle().manifest();
        const Status same = Promise(bundle.manifest()).compare_fallback(Promise(other));
        if (same.ok() && spare->layout(bundle.schema()->digest())) return {};
        problem =
            formatted("serves model '{}' {}, which cannot answer for it", other.identity.name, other.identity.version);
        if (!same.ok()) problem += formatted(" ({})", same.message);
    }
    return formatted("its fallback slot '{}' {}: the fallback score answers", name, problem);
}

}  // namespace weighbridge::lib
