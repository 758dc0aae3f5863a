// The traffic of a node under chaos, the probes that check whether a fault is over, and the counts
// of both.
#pragma once

#include "actors/node/node.hpp"
#include "apps/chaos/chaos_job.hpp"
#include "protocols/base/random.hpp"
#include "runtime/load/weighted_choice.hpp"

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>

namespace greenroom::apps {

/// All counters, behind one lock. The node's callbacks write into them.
class chaos_books {
public:
  explicit chaos_books(const cast_list& cast);

  /// Seconds since the run began.
  [[nodiscard]] double now_s() const;
  void restart_clock() { begin_ = std::chrono::steady_clock::now(); }

  struct sent {
    runtime::chaos::answer_book::ticket ticket = 0;
    double at_s = 0;
    std::uint32_t asked = no_specialist;
    bool probe = false, durable = false;
    std::size_t for_fault = 0;
  };
  static constexpr std::uint32_t no_specialist = 0xffffffffU;

  sent open(std::uint32_t asked, bool probe, bool durable, std::size_t for_fault);
  void submitted(const sent& one, const base::expected<protocols::task_id, refusal>& how);
  void ended(const sent& one, const task_view& view);

  std::mutex guard;  ///< Protects all members below.
  runtime::chaos::answer_book answers;
  runtime::chaos::recovery_book recovery;
  std::uint64_t asked = 0, completed = 0, failed = 0, refused = 0, probes = 0, by_fallback = 0;
  runtime::load::latency_recorder latency;
  std::map<std::string, std::uint64_t> reasons;
  std::vector<std::pair<protocols::task_id, protocols::task_state>> journaled;
  std::unordered_map<std::size_t, std::size_t> probes_open;  ///< Number of open probes by fault.

private:
  static constexpr std::size_t journaled_max = 20'000;
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
  std::unordered_map<std::string, std::uint32_t> index_;
};

/// Sends tasks in the proportions of the plan's mix.
class stress {
public:
  stress(node& to, const chaos_job& job, std::shared_ptr<chaos_books> books);

  /// Runs on the caller's thread until the plan's duration is over or `stop` returns true.
  void run_traffic(const std::function<bool()>& stop);
  void probe(std::uint32_t specialist, bool durable, std::size_t for_fault);

private:
  struct part {
    std::uint32_t specialist = chaos_books::no_specialist;
    std::string department, command, input;
    protocols::priority urgency = protocols::priority::normal;
  };
  void send(const part& which, const std::string& session, bool durable);
  void submit(task_request request, const chaos_books::sent& ticket);

  node& node_;
  const chaos_job& job_;
  std::shared_ptr<chaos_books> books_;
  std::vector<part> parts_;
  std::optional<runtime::load::weighted_choice> choice_;
};

}  // namespace greenroom::apps
