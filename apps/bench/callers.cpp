#include "apps/bench/callers.hpp"
#include "protocols/task.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <memory>
#include <utility>

namespace greenroom::bench {

namespace {

using runtime::load::latency_recorder;

constexpr double ns_per_s = 1e9;

void relax() { __builtin_ia32_pause(); }

/// Processor time of this process without the calling thread.
double others_cpu_us() {
  rusage all{}, this_thread{};
  ::getrusage(RUSAGE_SELF, &all);
  ::getrusage(RUSAGE_THREAD, &this_thread);
  const auto us = [](const rusage& of) {
    return static_cast<double>(of.ru_utime.tv_sec + of.ru_stime.tv_sec) * 1e6
           + static_cast<double>(of.ru_utime.tv_usec + of.ru_stime.tv_usec);
  };
  return us(all) - us(this_thread);
}

/// One slot of a window: a task_observer that checks the answer and returns to the caller's thread.
/// The node's thread only reads it, so that the cache line stays with the caller.
class alignas(64) place final : public protocols::task_observer {
public:
  /// Queue of answered slots, emptied by the caller. It has room for every slot, so the writers
  /// need no bound check, and each entry is read once.
  class shelf {
  public:
    explicit shelf(std::size_t places)
        : mask_{std::bit_ceil(places) - 1}, rows_{std::make_unique<row[]>(mask_ + 1)} {}
    void put(const place& one) {
      const auto at = put_.fetch_add(1, std::memory_order_relaxed);
      rows_[at & mask_].store(of_lap(at) | one.index, std::memory_order_release);
    }
    /// Calls `see` with the index of each answered slot, at most `most_at_once`, and returns their
    /// number. With `in_a_hurry` it skips a cache line that is not full: reading the line would
    /// take it from the writers.
    template <class See>
    std::size_t take(See see, bool in_a_hurry = false) {
      if (in_a_hurry && !is_there(taken_ | (rows_a_line - 1))) return 0;
      const auto first = taken_;
      for (; taken_ < first + most_at_once && is_there(taken_); ++taken_)
        see(static_cast<std::size_t>(rows_[taken_ & mask_].load(std::memory_order_relaxed)
                                     & index_bits));
      return taken_ - first;
    }

    std::atomic<std::uint64_t> wrong{0};

  private:
    using row = std::atomic<std::uint64_t>;  // Lap number (from 1), then slot index.
    static constexpr std::uint64_t index_bits = 0xffffffff;
    static constexpr std::size_t most_at_once = 64;
    static constexpr std::size_t rows_a_line = 64 / sizeof(row);
    [[nodiscard]] std::uint64_t of_lap(std::uint64_t at) const {
      return (at / (mask_ + 1) + 1) << 32U;
    }
    [[nodiscard]] bool is_there(std::uint64_t at) const {
      const auto found = rows_[at & mask_].load(std::memory_order_acquire);
      return (found & ~index_bits) == of_lap(at);
    }

    const std::uint64_t mask_;
    const std::unique_ptr<row[]> rows_;
    alignas(64) std::atomic<std::uint64_t> put_{0};
    alignas(64) std::uint64_t taken_ = 0;
  };

  place(shelf& home, std::size_t at) : index{at}, home_{home} {}
  void on_end(const protocols::task& job) noexcept override {
    if (job.state.load(std::memory_order_relaxed) != protocols::task_state::completed
        || !answers(job.output, number))
      ++home_.wrong;
    home_.put(*this);
  }

  const std::size_t index;
  std::uint64_t number = 0;
  std::int64_t since_ns = 0;

private:
  shelf& home_;
};

class caller {
public:
  caller(node& on, const call_targets& targets) : on_{on}, targets_{targets} {}

  /// False when the task was refused.
  bool send(place* one, std::int64_t since_ns) {
    one->number = sent_++;
    task_request request;
    request.specialist = targets_.name_of(one->number);
    write_input(request.input, one->number);
    one->since_ns = since_ns;
    // An aliasing pointer without a count: the slots outlive every task.
    const auto outcome =
        on_.submit(std::move(request), std::shared_ptr<place>{std::shared_ptr<void>{}, one});
    return outcome.has_value();
  }

private:
  node& on_;
  const call_targets& targets_;
  std::uint64_t sent_ = 0;
};

}  // namespace

call_targets::call_targets(const std::vector<std::string>& names, std::vector<std::uint32_t> picks)
    : picks_{std::move(picks)} {
  for (const auto& name : names) {
    auto& entry = names_.emplace_back();
    entry.length = static_cast<std::uint8_t>(name.copy(entry.letters.data(), entry.letters.size()));
  }
}

call_targets zipf_targets(std::size_t specialists) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < specialists; ++i) names.push_back(name_of(i));
  return {names, zipf_picks(specialists)};
}

call_report closed_window(node& on, const call_targets& targets, std::size_t window,
                          double seconds) {
  place::shelf back{window};
  std::vector<std::unique_ptr<place>> places;
  for (std::size_t i = 0; i < window; ++i) places.push_back(std::make_unique<place>(back, i));
  caller sender{on, targets};
  call_report report;
  latency_recorder latencies;
  const auto warm_until = now_ns() + static_cast<std::int64_t>(seconds * ns_per_s / 4);
  const auto until = warm_until + static_cast<std::int64_t>(seconds * ns_per_s);
  std::size_t outstanding = 0;
  std::uint64_t answered = 0;
  const auto cpu_before = others_cpu_us();
  std::vector<std::size_t> again;  // Refused slots, retried after the next end.
  const auto fire = [&](std::size_t index) {
    if (sender.send(places[index].get(), now_ns())) {
      ++outstanding;
      return;
    }
    ++report.refused;
    again.push_back(index);
  };
  for (std::size_t i = 0; i < window; ++i) fire(i);
  auto measured_until = warm_until;
  auto at = now_ns();
  while (outstanding > 0) {
    const auto taken = back.take([&](std::size_t index) {
      at = now_ns();
      --outstanding;
      ++answered;
      if (at >= warm_until && at < until) {
        latencies.add(at - places[index]->since_ns);
        measured_until = at;
      }
      if (at < until) fire(index);
    });
    if (taken == 0) {
      relax();
    } else if (!again.empty() && at < until) {
      for (const auto index : std::exchange(again, {})) fire(index);
    }
  }
  report.wrong = back.wrong.load();
  report.node_cpu_us =
      (others_cpu_us() - cpu_before) / static_cast<double>(std::max<std::uint64_t>(answered, 1));
  report.found = figures_of(latencies, static_cast<double>(measured_until - warm_until) / ns_per_s);
  return report;
}

call_report open_loop(node& on, const call_targets& targets, double rate_per_s, double seconds) {
  constexpr std::size_t places_max = 65'536;  // Above the node's limit, so never reached.
  place::shelf back{places_max};
  std::vector<std::unique_ptr<place>> places;
  std::vector<std::size_t> idle;
  for (std::size_t i = 0; i < places_max; ++i) {
    places.push_back(std::make_unique<place>(back, i));
    idle.push_back(places_max - 1 - i);
  }
  caller sender{on, targets};
  call_report report;
  const auto gaps = exponential_gaps(rate_per_s);
  std::size_t gap = 0;
  const auto begin = now_ns();
  const auto warm_until = begin + static_cast<std::int64_t>(seconds * ns_per_s / 4);
  const auto until = warm_until + static_cast<std::int64_t>(seconds * ns_per_s);
  auto due = static_cast<double>(begin) + gaps.back();
  std::size_t outstanding = 0;
  for (auto now = begin; due < static_cast<double>(until) || outstanding > 0; now = now_ns()) {
    // Sends what is due, in batches, to read answers in between.
    constexpr int sends_max = 32;
    for (int i = 0; i < sends_max && due <= static_cast<double>(now)
                    && due < static_cast<double>(until) && !idle.empty();
         ++i) {
      const auto index = idle.back();
      idle.pop_back();
      if (sender.send(places[index].get(), static_cast<std::int64_t>(due))) {
        ++outstanding;
      } else {
        ++report.refused;
        idle.push_back(index);
      }
      ++report.asked;
      report.held_back_s = (static_cast<double>(now) - due) / ns_per_s;
      due += gaps[gap++ % gaps.size()];
    }
    std::int64_t at = 0;  // One clock reading for all answers taken together.
    const auto taken = back.take(
        [&](std::size_t index) {
          if (at == 0) at = now_ns();
          --outstanding;
          const auto since = places[index]->since_ns;
          if (since >= warm_until) report.latencies.add(at - since);
          idle.push_back(index);
        },
        due <= static_cast<double>(now) && due < static_cast<double>(until) && !idle.empty());
    if (taken > 0) continue;
    // Pause between reads: constant reading would take the cache line from the writers.
    for (int i = 0; i < 4; ++i) relax();
  }
  report.wrong = back.wrong.load();
  report.found = figures_of(report.latencies, seconds);
  return report;
}

namespace {

/// Sends the next task from the completion callback, until the time is over.
class chain final : public protocols::task_observer, public std::enable_shared_from_this<chain> {
public:
  /// `first`: the start position in the order of picks.
  chain(node& on, const call_targets& targets, double seconds, std::uint64_t first = 0)
      : on_{on},
        targets_{targets},
        warm_until_{now_ns() + static_cast<std::int64_t>(seconds * ns_per_s / 4)},
        until_{warm_until_ + static_cast<std::int64_t>(seconds * ns_per_s)},
        sent_{first} {}

  void ask() {
    task_request request;
    request.specialist = targets_.name_of(sent_);
    expected_ = sent_++;
    write_input(request.input, expected_);
    since_ns_ = now_ns();
    if (on_.submit(std::move(request), shared_from_this())) return;
    ++report.refused;
    finish();
  }
  void on_end(const protocols::task& job) noexcept override {
    const auto at = now_ns();
    if (job.state.load(std::memory_order_relaxed) != protocols::task_state::completed
        || !answers(job.output, expected_))
      ++report.wrong;
    if (since_ns_ >= warm_until_) latencies_.add(at - since_ns_);
    if (at < until_)
      ask();
    else
      finish();
  }
  void wait() { over_.wait(0); }
  [[nodiscard]] const latency_recorder& latencies() const { return latencies_; }

  call_report report;

private:
  void finish() {
    report.found = figures_of(latencies_, static_cast<double>(now_ns() - warm_until_) / ns_per_s);
    over_.store(1);
    over_.notify_all();
  }

  node& on_;
  const call_targets& targets_;
  std::int64_t warm_until_, until_, since_ns_ = 0;
  std::uint64_t sent_;
  std::uint64_t expected_ = 0;
  latency_recorder latencies_;
  std::atomic<int> over_{0};
};

/// Wakes the one thread that waits for the task's end.
class sleeper final : public protocols::task_observer {
public:
  void on_end(const protocols::task& job) noexcept override {
    good = job.state.load(std::memory_order_relaxed) == protocols::task_state::completed
           && answers(job.output, expected);
    over.store(1, std::memory_order_release);
    over.notify_one();
  }
  std::uint64_t expected = 0;
  bool good = false;
  std::atomic<int> over{0};  // `int` waits on the futex directly; other types use a proxy.
};

}  // namespace

call_report callback_window(node& on, const call_targets& targets, std::size_t window,
                            double seconds) {
  std::vector<std::shared_ptr<chain>> chains;
  for (std::size_t i = 0; i < window; ++i)
    chains.push_back(std::make_shared<chain>(on, targets, seconds, i * 1021));
  for (const auto& one : chains) one->ask();
  call_report report;
  latency_recorder latencies;
  for (const auto& one : chains) {
    one->wait();
    report.refused += one->report.refused;
    report.wrong += one->report.wrong;
    latencies.merge(one->latencies());
  }
  report.found = figures_of(latencies, seconds);
  return report;
}

call_report one_at_a_time(node& on, const call_targets& targets, next_from sender, double seconds) {
  if (sender == next_from::callback) {
    const auto calls = std::make_shared<chain>(on, targets, seconds);
    calls->ask();
    calls->wait();
    return calls->report;
  }
  call_report report;
  latency_recorder latencies;
  const auto waiter = std::make_shared<sleeper>();
  const auto warm_until = now_ns() + static_cast<std::int64_t>(seconds * ns_per_s / 4);
  const auto until = warm_until + static_cast<std::int64_t>(seconds * ns_per_s);
  std::uint64_t sent = 0;
  for (auto since = now_ns(); since < until; since = now_ns()) {
    task_request request;
    request.specialist = targets.name_of(sent);
    waiter->expected = sent++;
    write_input(request.input, waiter->expected);
    waiter->over.store(0, std::memory_order_relaxed);
    if (!on.submit(std::move(request), waiter)) {
      ++report.refused;
      continue;
    }
    waiter->over.wait(0, std::memory_order_acquire);
    if (!waiter->good) ++report.wrong;
    if (since >= warm_until) latencies.add(now_ns() - since);
  }
  report.found = figures_of(latencies, seconds);
  return report;
}

}  // namespace greenroom::bench
