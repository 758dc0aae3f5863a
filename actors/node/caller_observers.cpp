#include "actors/node/caller_observers.hpp"

#include "actors/node/task_views.hpp"
#include "actors/state/callback.hpp"

#include <atomic>
#include <utility>

namespace greenroom::actors {

using protocols::task;

namespace {

/// Reports the end once: `on_node_stopping` and `on_end` may both come.
class end_reporter : public protocols::task_observer {
public:
  end_reporter(const catalog_store& catalogs, event_log& events)
      : catalogs_{catalogs}, events_{events} {}

  void on_node_stopping(const task& job) noexcept final { report(job); }
  void on_end(const task& job) noexcept final { report(job); }

protected:
  virtual void deliver(const task& job) noexcept = 0;
  [[nodiscard]] task_view view_of(const task& job) const { return final_view_of(catalogs_, job); }
  [[nodiscard]] event_log& events() const { return events_; }

private:
  void report(const task& job) noexcept {
    if (!reported_.exchange(true)) deliver(job);
  }

  const catalog_store& catalogs_;
  event_log& events_;
  std::atomic<bool> reported_{false};
};

class listener_observer final : public end_reporter {
public:
  listener_observer(const catalog_store& catalogs, event_log& events,
                    std::shared_ptr<task_listener> listener)
      : end_reporter{catalogs, events}, listener_{std::move(listener)} {}

  void on_accepted(const task& job) noexcept override {
    run_callback(events(), "on_accepted", [&] { listener_->on_accepted(job.id); });
  }
  void on_chunk(const task& job, std::string_view text) noexcept override {
    run_callback(events(), "on_chunk", [&] { listener_->on_chunk(text, job.attempts); });
  }
  [[nodiscard]] bool takes_more(const task&) const noexcept override {
    bool more = true;
    run_callback(events(), "takes_more", [&] { more = listener_->takes_more(); });
    return more;
  }

private:
  void deliver(const task& job) noexcept override {
    run_callback(events(), "on_end", [&] { listener_->on_end(view_of(job)); });
  }

  std::shared_ptr<task_listener> listener_;
};

class callback_observer final : public end_reporter {
public:
  callback_observer(const catalog_store& catalogs, event_log& events,
                    std::function<void(task_view)> done)
      : end_reporter{catalogs, events}, done_{std::move(done)} {}

private:
  void deliver(const task& job) noexcept override {
    run_callback(events(), "submit", [&] { done_(view_of(job)); });
  }

  std::function<void(task_view)> done_;
};

}  // namespace

std::shared_ptr<protocols::task_observer> observer_of(const catalog_store& catalogs,
                                                      event_log& events,
                                                      std::shared_ptr<task_listener> listener) {
  return std::make_shared<listener_observer>(catalogs, events, std::move(listener));
}

std::shared_ptr<protocols::task_observer> observer_of(const catalog_store& catalogs,
                                                      event_log& events,
                                                      std::function<void(task_view)> done) {
  return std::make_shared<callback_observer>(catalogs, events, std::move(done));
}

}  // namespace greenroom::actors
