#include "actors/state/shadow_traffic.hpp"

#include "protocols/task_times.hpp"

#include <utility>

namespace greenroom::actors {

using protocols::failure, protocols::task, protocols::task_id, protocols::task_state;
using runtime::rollout::shadow_drop, runtime::rollout::reply_kind, runtime::rollout::shadow_reply;

class shadow_traffic::pair {
public:
  pair(shadow_traffic& to, std::uint64_t run, std::string_view specialist, std::string_view command,
       bool twice, baseline_worker baseline)
      : to_{to},
        run_{run},
        twice_{twice},
        baseline_{baseline},
        life_{life()},
        held_{to.held_},
        missing_{twice ? 3 : 2} {
    result_.specialist = specialist;
    result_.command = command;
  }
  ~pair() { *held_ -= held_here_; }
  pair(const pair&) = delete;
  pair& operator=(const pair&) = delete;

  shadow_traffic& to_;
  const std::uint64_t run_;
  const bool twice_;
  const baseline_worker baseline_;
  const std::uint64_t life_;  // Of the baseline's worker when the task came.
  const std::shared_ptr<std::atomic<std::uint64_t>> held_;
  std::mutex mutex_;
  std::uint64_t held_here_ = 0;  // Of `held_`.
  int missing_;                  // Parts that have not come back.
  shadow_drop why_ = shadow_drop::comparison_late;
  bool nothing_ = false;  // A part never will, so there is nothing to compare.
  runtime::rollout::shadow_task result_;

  // A task that waited while the worker was replaced may have been answered by either process, and
  // a task that was passed on by another specialist: then the life is unknown.
  void answered_by(std::uint32_t specialist) {
    const std::lock_guard lock{mutex_};
    const bool same = specialist == baseline_.specialist && life() == life_;
    result_.baseline_life = same ? life_ : runtime::rollout::shadow_task::unknown_life;
  }
  // True for the last part.
  bool on_answer(part which, shadow_reply reply, bool comparable) {
    const std::lock_guard lock{mutex_};
    return take(which, std::move(reply), comparable);
  }
  bool missing(part which) {
    const std::lock_guard lock{mutex_};
    if (which == part::intelligent) why_ = shadow_drop::intelligent_busy;
    if (which == part::baseline) why_ = shadow_drop::baseline_busy;
    return take(which, {}, false);
  }

private:
  [[nodiscard]] std::uint64_t life() const {
    return baseline_.starts != nullptr ? machine::count_of(*baseline_.starts)
                                       : runtime::rollout::shadow_task::unknown_life;
  }
  // Under the lock.
  bool take(part which, shadow_reply reply, bool comparable) {
    const auto bytes = reply.output.size();
    if (*held_ += bytes; *held_ > held_bytes_max) {
      *held_ -= bytes;
      std::string{}.swap(reply.output);
      why_ = shadow_drop::queue_full;
      // Without a second answer less is known of the noise, and that is all.
      comparable = false;
    } else {
      held_here_ += bytes;
    }
    if (which == part::again) {
      if (comparable) result_.again = std::move(reply);
    } else {
      if (!comparable) nothing_ = true;
      (which == part::baseline ? result_.baseline : result_.intelligent) = std::move(reply);
    }
    return --missing_ == 0;
  }
};

class shadow_traffic::part_observer final : public protocols::task_observer {
public:
  part_observer(pair_ptr of, part which, std::shared_ptr<task_observer> caller)
      : of_{std::move(of)}, which_{which}, caller_{std::move(caller)} {}

  void on_accepted(const task& job) noexcept override {
    if (caller_) caller_->on_accepted(job);
  }
  void on_existing(const task_id& known) noexcept override {
    if (caller_) caller_->on_existing(known);
    end({}, false);
  }
  void on_form(const task& job, protocols::stream_form form) noexcept override {
    if (caller_) caller_->on_form(job, form);
  }
  void on_chunk(const task& job, std::string_view piece) noexcept override {
    if (caller_) caller_->on_chunk(job, piece);
  }
  void on_node_stopping(const task& job) noexcept override {
    if (caller_) caller_->on_node_stopping(job);
  }
  [[nodiscard]] bool takes_more(const task& job) const noexcept override {
    return !caller_ || caller_->takes_more(job);
  }
  void on_end(const task& job) noexcept override {
    if (caller_) caller_->on_end(job);
    shadow_reply reply;
    reply.kind = job.end_state == task_state::completed ? reply_kind::answered
                 : job.why == failure::refused          ? reply_kind::refused
                                                        : reply_kind::failed;
    reply.took_ms = static_cast<double>(protocols::total_ns(job)) * 1e-6;
    if (reply.kind == reply_kind::answered) reply.output = job.output;
    if (of_ && which_ == part::baseline) of_->answered_by(job.specialist);
    end(std::move(reply), job.end_state != task_state::cancelled);
  }
  [[nodiscard]] bool waits() const noexcept override { return !caller_ || caller_->waits(); }
  [[nodiscard]] std::size_t held_bytes() const noexcept override {
    return caller_ ? caller_->held_bytes() : 0;
  }

private:
  void end(shadow_reply reply, bool comparable) {
    const auto of = std::exchange(of_, {});
    if (of && of->on_answer(which_, std::move(reply), comparable)) of->to_.come_back(of);
  }

  pair_ptr of_;
  part which_;
  std::shared_ptr<task_observer> caller_;
};

shadow_traffic::pair_ptr shadow_traffic::begin(std::string_view specialist,
                                               std::string_view command, bool unsafe,
                                               std::uint64_t key, bool noise,
                                               baseline_worker baseline) {
  const std::lock_guard lock{mutex_};
  if (!comparison_.admit(unsafe)) return {};
  ++mirrored_;
  auto fresh = std::make_shared<pair>(*this, run_, specialist, command,
                                      noise && comparison_.wants_noise(specialist, key), baseline);
  return fresh;
}

std::shared_ptr<protocols::task_observer> shadow_traffic::observer_of(
    const pair_ptr& of, part which, std::shared_ptr<protocols::task_observer> caller) {
  return std::make_shared<part_observer>(of, which, std::move(caller));
}

bool shadow_traffic::wants_again(const pair_ptr& of) { return of->twice_; }

void shadow_traffic::missing(const pair_ptr& of, part which) {
  if (of->missing(which)) of->to_.come_back(of);
}

void shadow_traffic::come_back(pair_ptr whole) {
  const std::lock_guard lock{mutex_};
  if (whole->run_ == run_) back_.push_back(std::move(whole));
}

std::size_t shadow_traffic::settle() {
  std::vector<pair_ptr> mine;
  {
    const std::lock_guard lock{mutex_};
    mine.swap(back_);
  }
  for (const auto& one : mine) {
    const std::lock_guard lock{mutex_};
    if (one->run_ != run_) continue;
    if (one->nothing_)
      comparison_.drop(one->why_);
    else
      comparison_.record(one->result_);
  }
  return mine.size();
}

std::vector<std::string> shadow_traffic::instance_suspects() const {
  const std::lock_guard lock{mutex_};
  return comparison_.instance_suspects();
}

void shadow_traffic::ignore(std::vector<std::string> fields) {
  const std::lock_guard lock{mutex_};
  comparison_.ignore(fields);
  settings_.ignore = std::move(fields);
}

void shadow_traffic::begin_anew() {
  const std::lock_guard lock{mutex_};
  for (std::size_t i = 0; i < drops_before_.size(); ++i)
    drops_before_[i] += comparison_.dropped(static_cast<shadow_drop>(i));
  comparison_ = runtime::rollout::shadow_comparison{settings_};
  back_.clear();
  ++run_;
}

shadow_traffic::figures shadow_traffic::read() const {
  const std::lock_guard lock{mutex_};
  figures result;
  result.summary = comparison_.summary();
  result.differences = comparison_.differences();
  result.commands_compared = comparison_.commands_compared();
  result.commands_differing = comparison_.commands_differing();
  result.mirrored = mirrored_;
  result.in_flight = comparison_.in_flight();
  for (std::size_t i = 0; i < result.drops.size(); ++i)
    result.drops[i] = drops_before_[i] + comparison_.dropped(static_cast<shadow_drop>(i));
  return result;
}

}  // namespace greenroom::actors
