#include "actors/node/caller_observers.hpp"

#include "actors/node/task_views.hpp"
#include "actors/state/callback.hpp"

#include <atomic>
#include <utility>

namespace greenroom::actors {

using protocols::task;

namespace {

class listener_observer final : public protocols::task_observer {
public:
  listener_observer(const catalog_store& catalogs, event_log& events,
                 std::shared_ptr<task_listener> listener)
      : catalogs_{catalogs}, events_{events}, listener_{std::move(listener)} {}

  void on_accepted(const task& job) noexcept override {
    run_callback(events_, "on_accepted", [&] { listener_->on_accepted(job.id); });
  }
  void on_chunk(const task& job, std::string_view piece) noexcept override {
    run_callback(events_, "on_piece", [&] { listener_->on_piece(piece, job.attempts); });
  }
  [[nodiscard]] bool takes_more(const task&) const noexcept override {
    bool more = true;
    run_callback(events_, "takes_more", [&] { more = listener_->takes_more(); });
    return more;
  }
  void on_node_stopping(const task& job) noexcept override { report(job); }
  void on_end(const task& job) noexcept override { report(job); }

private:
  void report(const task& job) noexcept {
    if (reported_.exchange(true)) return;
    run_callback(events_, "on_end", [&] { listener_->on_end(final_view_of(catalogs_, job)); });
  }

  const catalog_store& catalogs_;
  event_log& events_;
  std::shared_ptr<task_listener> listener_;
  std::atomic<bool> reported_{false};
};

class callback_observer final : public protocols::task_observer {
public:
  callback_observer(const catalog_store& catalogs, event_log& events,
                 std::function<void(task_view)> done)
      : catalogs_{catalogs}, events_{events}, done_{std::move(done)} {}
  void on_node_stopping(const task& job) noexcept override { report(job); }
  void on_end(const task& job) noexcept override { report(job); }

private:
  void report(const task& job) noexcept {
    if (reported_.exchange(true)) return;
    run_callback(events_, "submit", [&] { done_(final_view_of(catalogs_, job)); });
  }

  const catalog_store& catalogs_;
  event_log& events_;
  std::function<void(task_view)> done_;
  std::atomic<bool> reported_{false};
};

}  // namespace

std::shared_ptr<protocols::task_observer> observer_of(const catalog_store& catalogs, event_log& events,
                                           std::shared_ptr<task_listener> listener) {
  return std::make_shared<listener_observer>(catalogs, events, std::move(listener));
}

std::shared_ptr<protocols::task_observer> observer_of(const catalog_store& catalogs, event_log& events,
                                           std::function<void(task_view)> done) {
  return std::make_shared<callback_observer>(catalogs, events, std::move(done));
}

}  // namespace greenroom::actors
