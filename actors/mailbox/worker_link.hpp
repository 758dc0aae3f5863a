// Brings what a worker says into the port of its specialist, and can be cut. What it costs:
// `greenroom-bench process-load`.
#pragma once

#include "actors/mailbox/io_execution_unit.hpp"
#include "actors/mailbox/port.hpp"
#include "protocols/plain_text.hpp"
#include "runtime/machine/metrics/gauges.hpp"
#include "runtime/machine/worker/worker.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

namespace greenroom::actors {

/// The link to one process, or one run, of a worker. After `cut` nothing of the worker reaches the
/// port, so a worker cannot touch a task that was given to another worker.
class worker_link final : public machine::worker_events {
public:
  static constexpr std::uint32_t ready_bit = 1;
  static constexpr std::uint32_t gone_bit = 2;
  static constexpr std::uint32_t pong_bit = 4;

  /// What a worker may make the node hold: a longer output is an error, a longer error is cut.
  struct bounds {
    std::uint64_t output_bytes = std::uint64_t{16} << 20;
    std::uint64_t error_bytes = std::uint64_t{64} << 10;
  };
  /// Gets the tools that the worker lists.
  using tool_listener = std::function<void(std::shared_ptr<const protocols::tool_effects>)>;

  worker_link(task_port& port, machine::specialist_gauge& gauge, tool_listener tools = {})
      : worker_link{port, gauge, std::move(tools), bounds{}} {}
  worker_link(task_port& port, machine::specialist_gauge& gauge, tool_listener tools,
              const bounds& most)
      : most_{most}, port_{&port}, gauge_{&gauge}, tools_{std::move(tools)} {}

  void cut() {
    const std::lock_guard lock{mutex_};
    port_ = nullptr;
  }
  /// Valid once `gone_bit` was seen.
  [[nodiscard]] departure exit_reason() {
    const std::lock_guard lock{mutex_};
    return departure_;
  }

  void on_ready() noexcept override {
    {
      const std::lock_guard lock{mutex_};
      if (port_ != nullptr) gauge_->strays.clear();
    }
    signal(ready_bit);
  }
  void on_pong() noexcept override { signal(pong_bit); }
  void on_stray(std::string_view what) noexcept override {
    const std::lock_guard lock{mutex_};
    if (port_ == nullptr) return;
    machine::count(gauge_->stray_lines);
    gauge_->strays.add(what);
  }
  void on_tools(std::shared_ptr<const protocols::tool_effects> tools) noexcept override {
    const std::lock_guard lock{mutex_};
    if (port_ != nullptr && tools_) tools_(std::move(tools));
  }
  void on_result(protocols::task_ptr job, protocols::attempt_result result) noexcept override {
    bound(result, most_);
    const std::lock_guard lock{mutex_};
    if (port_ == nullptr) return;
    gauge_->strays.clear();
    job->result = std::move(result);
    job->phase = protocols::task_phase::attempted;
    port_->push(std::move(job), io_execution_unit::current());
  }
  void on_form(const protocols::task_ptr& job, protocols::stream_form form) noexcept override {
    if (!job->claimed.load(std::memory_order_acquire) && job->observer)
      job->observer->on_form(*job, form);
  }
  void on_chunk(const protocols::task_ptr& job, std::string_view piece) noexcept override {
    // Straight to the caller: no actor decides anything about a piece.
    if (!job->claimed.load(std::memory_order_acquire) && job->observer)
      job->observer->on_chunk(*job, piece);
  }
  [[nodiscard]] bool takes_more(const protocols::task_ptr& job) noexcept override {
    return job->claimed.load(std::memory_order_acquire) || !job->observer
           || job->observer->takes_more(*job);
  }
  void on_gone(departure reason) noexcept override {
    const std::lock_guard lock{mutex_};
    departure_ = std::move(reason);
    if (departure_.why.size() > departure_bytes)
      departure_.why = protocols::clipped(departure_.why, departure_bytes);
    if (port_ != nullptr) port_->signal(gone_bit, io_execution_unit::current());
  }

  /// The bounds hold for every kind of worker and for every wire format.
  static void bound(protocols::attempt_result& result, const bounds& most) {
    if (result.why != protocols::failure::none) {
      if (result.output.size() > most.error_bytes)
        result.output = protocols::clipped(result.output, most.error_bytes);
    } else if (result.output.size() > most.output_bytes) {
      result = {protocols::failure::refused, false,
                "the output is " + std::to_string(result.output.size())
                    + " bytes of JSON, and the limit is " + std::to_string(most.output_bytes)
                    + ": shorten the output or raise limits.output_bytes"};
    }
  }

private:
  static constexpr std::size_t departure_bytes = 4096;
  void signal(std::uint32_t bit) {
    const std::lock_guard lock{mutex_};
    if (port_ != nullptr) port_->signal(bit, io_execution_unit::current());
  }

  const bounds most_;
  std::mutex mutex_;
  task_port* port_;
  machine::specialist_gauge* gauge_;
  tool_listener tools_;
  departure departure_;
};

}  // namespace greenroom::actors
