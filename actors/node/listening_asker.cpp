#include "actors/node/listening_asker.hpp"

#include "actors/node/parts.hpp"
#include "actors/state/callback.hpp"

#include <atomic>
#include <utility>

namespace greenroom::actors {

using protocols::task;

namespace {

class listening_asker final : public protocols::asker {
public:
  listening_asker(const catalog_store& catalogs, event_log& events,
                  std::shared_ptr<task_listener> who)
      : catalogs_{catalogs}, events_{events}, who_{std::move(who)} {}

  void on_accepted(const task& job) noexcept override {
    run_callback(events_, "on_accepted", [&] { who_->on_accepted(job.id); });
  }
  void on_chunk(const task& job, std::string_view piece) noexcept override {
    run_callback(events_, "on_piece", [&] { who_->on_piece(piece, job.attempts); });
  }
  [[nodiscard]] bool takes_more(const task&) const noexcept override {
    bool more = true;
    run_callback(events_, "takes_more", [&] { more = who_->takes_more(); });
    return more;
  }
  void on_left(const task& job) noexcept override { tell(job); }
  void on_end(const task& job) noexcept override { tell(job); }

private:
  void tell(const task& job) noexcept {
    if (told_.exchange(true)) return;
    run_callback(events_, "on_end", [&] { who_->on_end(end_of(catalogs_, job)); });
  }

  const catalog_store& catalogs_;
  event_log& events_;
  std::shared_ptr<task_listener> who_;
  std::atomic<bool> told_{false};
};

}  // namespace

std::shared_ptr<protocols::asker> asker_of(const catalog_store& catalogs, event_log& events,
                                           std::shared_ptr<task_listener> who) {
  return std::make_shared<listening_asker>(catalogs, events, std::move(who));
}

task_view end_of(const catalog_store& catalogs, const task& job) {
  const catalog_reader::scope reading;
  const auto& playing = catalogs.now();
  const auto who = job.specialist.load(std::memory_order_acquire);
  auto view = view_of(job, playing.name_of(who), playing.department_of(who));
  if (!job.ended()) {
    view.why = protocols::failure::draining;
    view.output =
        "the node stops before the task has ended; it is in the journal, and after the next "
        "start it is run, or ends unknown where it was running and must not be repeated";
  }
  return view;
}

}  // namespace greenroom::actors
