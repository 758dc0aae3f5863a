#include "apps/demo/phase.hpp"

#include "apps/client/seconds.hpp"
#include "runtime/machine/process/process_memory.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

namespace greenroom::apps {
namespace {

using steady = std::chrono::steady_clock;
using nlohmann::json;

constexpr std::chrono::seconds start_patience{60};
constexpr std::chrono::seconds drain_grace{30};
constexpr std::chrono::milliseconds sample_every{200};

steady::duration duration(double value) {
  return std::chrono::duration_cast<steady::duration>(std::chrono::duration<double>{value});
}

/// Counts results; task ends arrive on the node's threads.
class tally {
public:
  void hear(const task_view& ended, steady::time_point intended) {
    const auto took = steady::now() - intended;
    const std::lock_guard lock{guard_};
    ++heard_;
    if (ended.state == protocols::task_state::completed) {
      ++result_.completed;
      result_.latency.add(took.count());
      if (ended.cold_start) ++result_.cold_starts;
    } else {
      ++result_.failed;
      if (result_.first_error.empty())
        result_.first_error = ended.specialist + ": " + ended.output.substr(0, 200);
    }
  }

  void submitted() {
    const std::lock_guard lock{guard_};
    ++result_.asked;
  }
  void accepted() {
    const std::lock_guard lock{guard_};
    ++result_.accepted;
  }
  void refused(const refusal& why) {
    const std::lock_guard lock{guard_};
    ++result_.shed;
    if (result_.first_error.empty()) result_.first_error = why.detail;
  }

  void fill(phase_progress& now) {
    const std::lock_guard lock{guard_};
    now.completed = result_.completed;
    now.shed = result_.shed;
    now.failed = result_.failed;
    now.cold_starts = result_.cold_starts;
    now.p50_ms = static_cast<double>(result_.latency.quantile(0.5)) / 1e6;
    now.p95_ms = static_cast<double>(result_.latency.quantile(0.95)) / 1e6;
  }

  /// @pre no more ends arrive.
  phase_result take() {
    const std::lock_guard lock{guard_};
    result_.lost = result_.accepted > heard_ ? result_.accepted - heard_ : 0;
    return std::move(result_);
  }

private:
  std::mutex guard_;
  phase_result result_;
  std::uint64_t heard_ = 0;
};

/// Samples the workers' memory and reports progress, on a thread of its own until it is stopped.
class observer {
public:
  observer(const node& watched, const phase_plan& plan, tally& counts)
      : node_{watched}, plan_{plan}, counts_{counts}, begun_{steady::now()}, thread_{[this] {
          watch();
        }} {}
  ~observer() { stop(); }
  observer(const observer&) = delete;
  observer& operator=(const observer&) = delete;

  void stop() {
    stopping_ = true;
    if (thread_.joinable()) thread_.join();
  }

  /// @pre stopped.
  void fill(phase_result& result) const {
    const double samples = std::max<double>(1, static_cast<double>(samples_));
    result.memory_mb = memory_sum_ / samples;
    result.memory_max_mb = memory_max_;
    result.workers_up = workers_sum_ / samples;
    result.workers_max = workers_max_;
  }

private:
  void watch() {
    std::uint64_t completed_before = 0;
    auto before = begun_;
    while (!stopping_) {
      const auto specialists = node_.specialists();
      double memory_mb = 0;
      std::size_t up = 0;
      for (const auto& one : specialists) {
        if (one.pid <= 0) continue;
        const auto bytes = machine::process_memory(one.pid);
        if (bytes == 0) continue;
        memory_mb += static_cast<double>(bytes) / 1e6;
        ++up;
      }
      memory_sum_ += memory_mb;
      memory_max_ = std::max(memory_max_, memory_mb);
      workers_sum_ += static_cast<double>(up);
      workers_max_ = std::max(workers_max_, up);
      ++samples_;
      if (plan_.progress) {
        phase_progress now;
        const auto looked_at = steady::now();
        now.share = std::min(1.0, seconds_of(looked_at - begun_) / plan_.seconds);
        now.day_s = plan_.from_s + now.share * (plan_.to_s - plan_.from_s);
        now.specialists = &specialists;
        now.memory_mb = memory_mb;
        now.workers_up = up;
        counts_.fill(now);
        now.rate = static_cast<double>(now.completed - completed_before)
                   / std::max(1e-3, seconds_of(looked_at - before));
        completed_before = now.completed;
        before = looked_at;
        plan_.progress(now);
      }
      std::this_thread::sleep_for(sample_every);
    }
  }

  const node& node_;
  const phase_plan& plan_;
  tally& counts_;
  steady::time_point begun_;
  double memory_sum_ = 0, memory_max_ = 0, workers_sum_ = 0;
  std::size_t workers_max_ = 0, samples_ = 0;
  std::atomic<bool> stopping_{false};
  std::thread thread_;  ///< Last member: the thread uses all others.
};

bool is_interrupted(const phase_plan& plan) {
  return plan.interrupted != nullptr && plan.interrupted->load();
}

/// Waits until every worker is up. Returns what is wrong if that takes too long.
std::string wait_until_all_warm(const node& running, const phase_plan& plan) {
  const auto deadline = steady::now() + start_patience;
  for (;;) {
    std::size_t up = 0;
    std::string trouble;
    const auto specialists = running.specialists();
    for (const auto& one : specialists) {
      if (is_up(one.state))
        ++up;
      else if (!one.last_error.empty())
        trouble = one.name + ": " + one.last_error;
    }
    if (plan.say)
      plan.say(std::to_string(up) + " of " + std::to_string(specialists.size())
               + " workers are up");
    if (up == specialists.size() || is_interrupted(plan)) return {};
    if (steady::now() > deadline)
      return "only " + std::to_string(up) + " of " + std::to_string(specialists.size())
             + " workers came up" + (trouble.empty() ? "" : "; " + trouble);
    std::this_thread::sleep_for(std::chrono::milliseconds{50});
  }
}

void drive(node& running, const phase_plan& plan, const std::shared_ptr<tally>& counts) {
  const double factor = (plan.to_s - plan.from_s) / plan.seconds;
  const auto begin = steady::now();
  for (const auto& one : *plan.day) {
    if (one.time_s < plan.from_s || one.time_s >= plan.to_s) continue;
    const auto intended = begin + duration((one.time_s - plan.from_s) / factor);
    std::this_thread::sleep_until(intended);
    if (is_interrupted(plan)) return;
    task_request request;
    request.specialist = plan.cast->names[one.who];
    request.input = json{{"query", one.query}}.dump();
    request.case_id = one.session;
    counts->submitted();
    const auto sent = running.submit(
        std::move(request), [counts, intended](task_view ended) { counts->hear(ended, intended); });
    if (sent)
      counts->accepted();
    else
      counts->refused(sent.error());
  }
  std::this_thread::sleep_until(begin + duration(plan.seconds));
}

}  // namespace

double phase_result::warm_hit_rate() const {
  return completed == 0 ? 0 : 1 - static_cast<double>(cold_starts) / static_cast<double>(completed);
}

phase_result run_phase(const phase_plan& plan) {
  const auto counts = std::make_shared<tally>();
  phase_result result;
  node::options options;
  options.bin_directory = plan.bin_directory;
  options.policy = plan.policy;
  auto started = node::start(plan.configuration, {}, options);
  if (!started) {
    result.problem = "the node cannot start: " + started.error().text;
    return result;
  }
  auto& running = **started;
  if (plan.wait_until_all_warm) {
    result.problem = wait_until_all_warm(running, plan);
    if (!result.problem.empty()) return result;
  }
  const auto begin = steady::now();
  observer watching{running, plan, *counts};
  drive(running, plan, counts);
  watching.stop();
  const double took = seconds_of(steady::now() - begin);
  running.drain(drain_grace);
  const auto ledger = running.status();
  result = counts->take();
  watching.fill(result);
  result.seconds = took;
  const auto ended = ledger.completed + ledger.failed_tasks + ledger.cancelled + ledger.unknown;
  if (ledger.accepted > ended) result.lost = std::max(result.lost, ledger.accepted - ended);
  return result;
}

}  // namespace greenroom::apps
