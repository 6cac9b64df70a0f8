// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "base/fork.hpp"
#include "base/ref.hpp"
#include "model/model.hpp"
#include "slot/compatibility.hpp"
#include "slot/ledger.hpp"

namespace weighbridge::lib {

// A model as a slot serves it, with the row layouts that its callers may still fill in. Immutable.
class Deployment final : public RefCounted {
  public:
    // A schema whose rows the model can read: the position of each of its features there (-1: a newer feature, which
    // takes its default).
    struct Layout {
        std::shared_ptr<const Schema> schema;
        std::vector<int32_t> positions;  // empty for the model's own schema
    };

    // A rollback may take back what the swap before it gave; everything else must keep what callers rely on.
    enum class Change { swap, rollback };

    // `before` may be null. WB_SCHEMA_CHANGED where its callers would not survive a swap: the message names the first
    // difference.
    static Expected<Ref<Deployment>> make(Ref<Model> model, Ref<Account> account, const Deployment *before,
                                          Change change);

    Model &model() const { return *model_; }
    const Ref<Model> &model_ref() const { return model_; }
    // The account that counts its calls.
    const Ref<Account> &account() const { return account_; }
    // The layout of rows with this schema digest, null where they do not fit.
    const Layout *layout(uint64_t schema_digest) const;
    const std::vector<Layout> &layouts() const { return layouts_; }
    // What this swap changes for callers, as text for the log; "" for nothing.
    const std::string &news() const { return news_; }

  private:
    Deployment(Ref<Model> model, Ref<Account> account, Promise promise)
        : model_(std::move(model)), account_(std::move(account)), promise_(std::move(promise)) {}
    Ref<Model> model_;
    Ref<Account> account_;
    Promise promise_;
    std::string news_;
    std::vector<Layout> layouts_;  // the model's own first
};

// A named place for a deployment. Readers take a reference and keep it for their call; a swap exchanges one pointer.
class Slot final : public RefCounted {
  public:
    explicit Slot(std::string name) : name_(std::move(name)), ledger_(name_) {}
    ~Slot() override;

    const std::string &name() const { return name_; }
    // Null where the slot is empty. Thread-safe, never waits for a load.
    Ref<Deployment> current();

    // Swaps the model in and keeps the present one for rollback(). WB_SCHEMA_CHANGED leaves everything as it was.
    Expected<Ref<Deployment>> swap(Ref<Model> model);
    // Exchanges the present model and the previous one. Rows of the present schema stay readable; features that the
    // other model does not know are ignored. WB_NOT_LOADED where there is none before.
    Expected<Ref<Deployment>> rollback();
    // Drops the model before; does nothing where there is none.
    void forget_previous();
    // Drops both models.
    void clear();

    Ledger &ledger() { return ledger_; }

  private:
    void serve(Ref<Deployment> current, Ref<Deployment> previous) WB_REQUIRES(writer_);
    void publish(Ref<Deployment> current, Ref<Deployment> previous) WB_REQUIRES(writer_);
    Deployment *exchange_current(Deployment *current);

    // Sharded reader lock: a reader locks its thread's shard while it loads the pointer and takes a reference; a writer
    // locks all 8 shards.
    struct alignas(64) Reader {
        ForkMutex mutex;
    };
    static constexpr int kReaderBits = 3;

    const std::string name_;
    Ledger ledger_;
    ForkMutex writer_;                                       // one swap at a time
    Deployment *previous_ WB_GUARDED_BY(writer_) = nullptr;  // owned
    std::array<Reader, size_t{1} << kReaderBits> readers_;
    Deployment *current_ = nullptr;  // owned; read under any of readers_, written under all and writer_
};

}  // namespace weighbridge::lib
