// A caller that repeats an idempotency key gets the end of the task that exists already.
#pragma once

#include "actors/state/catalog_store.hpp"
#include "actors/state/idempotency_waiters.hpp"
#include "protocols/task.hpp"
#include "runtime/machine/journal/journal.hpp"

#include <functional>
#include <memory>
#include <optional>

namespace greenroom::actors {

/// Stands in front of a caller with an idempotency key. When the journal knows the same request,
/// the caller gets `on_accepted` of the existing task and then the task's end, now or later:
/// exactly as if the caller had been the first.
class idempotency_responder final : public protocols::task_observer {
public:
  /// `find_live`: the task when it is in the ledger. `find_stored`: what the journal has of it.
  /// Both stay callable as long as the node state exists.
  struct sources {
    std::function<protocols::task_ptr(const protocols::task_id&)> find_live;
    std::function<std::optional<machine::stored_task>(const protocols::task_id&)> find_stored;
  };
  idempotency_responder(const catalog_store& catalogs, idempotency_waiters& waiters,
                        std::shared_ptr<protocols::task_observer> caller, sources from)
      : catalogs_{catalogs},
        waiters_{waiters},
        caller_{std::move(caller)},
        from_{std::move(from)} {}

  void on_accepted(const protocols::task& job) noexcept override { caller_->on_accepted(job); }
  void on_form(const protocols::task& job, protocols::stream_form form) noexcept override {
    caller_->on_form(job, form);
  }
  void on_chunk(const protocols::task& job, std::string_view text) noexcept override {
    caller_->on_chunk(job, text);
  }
  void on_node_stopping(const protocols::task& job) noexcept override {
    caller_->on_node_stopping(job);
  }
  [[nodiscard]] bool takes_more(const protocols::task& job) const noexcept override {
    return caller_->takes_more(job);
  }
  void on_end(const protocols::task& job) noexcept override { caller_->on_end(job); }
  void on_existing(const protocols::task_id& known) noexcept override;
  [[nodiscard]] bool waits() const noexcept override { return caller_->waits(); }
  [[nodiscard]] std::size_t held_bytes() const noexcept override { return caller_->held_bytes(); }

private:
  void follow(const protocols::task& job);
  void end_with_stored(const machine::stored_task& stored);
  void refuse_full(const protocols::task& job, idempotency_waiters::outcome why);

  const catalog_store& catalogs_;
  idempotency_waiters& waiters_;
  std::shared_ptr<protocols::task_observer> caller_;
  sources from_;
};

}  // namespace greenroom::actors
