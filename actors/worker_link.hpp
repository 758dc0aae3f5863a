// Carries what a worker says into the port of its specialist, and can be cut.
#pragma once

#include "actors/io_unit.hpp"
#include "actors/port.hpp"
#include "runtime/machine/worker/worker.hpp"

#include <mutex>
#include <string_view>
#include <utility>

namespace greenroom::actors {

/// One life of one worker. After `cut` nothing of it reaches the port any more, so that a task
/// which was given to somebody else cannot be touched by the worker that had it before.
class worker_link final : public machine::worker_events {
public:
  static constexpr std::uint32_t ready_bit = 1;
  static constexpr std::uint32_t gone_bit = 2;
  static constexpr std::uint32_t pong_bit = 4;

  explicit worker_link(task_port& port) : port_{&port} {}

  void cut() {
    const std::lock_guard lock{mutex_};
    port_ = nullptr;
  }
  /// Valid once `gone_bit` was seen.
  [[nodiscard]] departure last_words() {
    const std::lock_guard lock{mutex_};
    return departure_;
  }

  void on_ready() noexcept override { signal(ready_bit); }
  void on_pong() noexcept override { signal(pong_bit); }
  void on_result(protocols::task_ptr job, protocols::attempt_result result) noexcept override {
    const std::lock_guard lock{mutex_};
    if (port_ == nullptr) return;
    job->result = std::move(result);
    job->phase = protocols::task_phase::attempted;
    port_->push(std::move(job), io_unit::current());
  }
  void on_form(const protocols::task_ptr& job, protocols::stream_form form) noexcept override {
    if (!job->claimed.load(std::memory_order_acquire) && job->who) job->who->on_form(*job, form);
  }
  void on_chunk(const protocols::task_ptr& job, std::string_view piece) noexcept override {
    // Straight to whoever asked: nothing decides anything about a piece.
    if (!job->claimed.load(std::memory_order_acquire) && job->who) job->who->on_chunk(*job, piece);
  }
  [[nodiscard]] bool takes_more(const protocols::task_ptr& job) noexcept override {
    return job->claimed.load(std::memory_order_acquire) || !job->who || job->who->takes_more(*job);
  }
  void on_gone(departure words) noexcept override {
    const std::lock_guard lock{mutex_};
    departure_ = std::move(words);
    if (port_ != nullptr) port_->signal(gone_bit, io_unit::current());
  }

private:
  void signal(std::uint32_t bit) {
    const std::lock_guard lock{mutex_};
    if (port_ != nullptr) port_->signal(bit, io_unit::current());
  }

  std::mutex mutex_;
  task_port* port_;
  departure departure_;
};

}  // namespace greenroom::actors
