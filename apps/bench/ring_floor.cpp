#include "apps/bench/ring_floor.hpp"

#include "apps/bench/stage.hpp"

#include <boost/lockfree/queue.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <thread>
#include <vector>

namespace greenroom::bench {

namespace {

struct errand {
  std::uint32_t specialist = 0;
  std::size_t index = 0;
  std::int64_t since_ns = 0;
  std::string payload;
  std::uint64_t number = 0;
};

void relax() { __builtin_ia32_pause(); }

/// One direction between one writer and one reader; entries are published in batches.
class ring {
public:
  static constexpr std::size_t room = 4096;
  void put(errand* one) { slots_[written_++ % slots_.size()] = one; }
  void publish() {
    if (published_.load(std::memory_order_relaxed) != written_)
      published_.store(written_, std::memory_order_release);
  }
  errand* get() {
    if (read_ == seen_) {
      seen_ = published_.load(std::memory_order_acquire);
      if (read_ == seen_) return nullptr;
    }
    return slots_[read_++ % slots_.size()];
  }

private:
  // At least as large as any window, so that no bound is checked. A power of two.
  alignas(64) std::array<errand*, room> slots_{};
  alignas(64) std::atomic<std::uint64_t> published_{0};
  alignas(64) std::uint64_t written_ = 0;
  alignas(64) std::uint64_t read_ = 0;
  std::uint64_t seen_ = 0;
};

class two_rings {
public:
  static constexpr std::size_t room = ring::room;
  void submit(errand* one) { there_.put(one); }
  void flush() { there_.publish(); }
  errand* answered() { return back_.get(); }
  errand* wanted() { return there_.get(); }
  void answer(errand* one) { back_.put(one); }
  void flush_answers() { back_.publish(); }

private:
  ring there_, back_;
};

class two_queues {
public:
  void submit(errand* one) { push(there_, one); }
  void flush() {}
  errand* answered() { return pop(back_); }
  errand* wanted() { return pop(there_); }
  void answer(errand* one) { push(back_, one); }
  void flush_answers() {}

private:
  using queue = boost::lockfree::queue<errand*, boost::lockfree::capacity<4096>>;
  static void push(queue& to, errand* one) {
    while (!to.push(one)) relax();
  }
  static errand* pop(queue& from) {
    errand* one = nullptr;
    return from.pop(one) ? one : nullptr;
  }
  queue there_, back_;
};

/// The other thread: counts tasks by specialist and returns them.
template <class Way>
class worker {
public:
  worker(Way& way, std::size_t specialists, double service_ns = 0)
      : handled_(specialists), thread_{[this, &way, service_ns] {
          double free_at = 0;
          while (!stop_.load(std::memory_order_relaxed)) {
            auto* one = way.wanted();
            if (one == nullptr) {
              way.flush_answers();
              relax();
              continue;
            }
            ++handled_[one->specialist];
            if (service_ns > 0) {
              auto now = static_cast<double>(now_ns());
              // The time of reading the clock and of a cache miss counts as service; a pause does
              // not.
              constexpr double look_ns = 1000;
              free_at = std::max(free_at, now - look_ns) + service_ns;
              for (; now < free_at; now = static_cast<double>(now_ns())) way.flush_answers();
            }
            way.answer(one);
          }
        }} {}
  ~worker() {
    stop_ = true;
    thread_.join();
  }
  worker(const worker&) = delete;
  worker& operator=(const worker&) = delete;

private:
  std::vector<std::uint64_t> handled_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

template <class Way>
figures measure(std::size_t specialists, std::size_t window, double seconds) {
  const auto way = std::make_unique<Way>();
  const auto picks = zipf_picks(specialists);
  const worker other{*way, specialists};
  std::vector<errand> errands(window);
  runtime::load::latency_recorder latencies;
  std::uint64_t sent = 0;
  const auto fire = [&](errand& one) {
    one.specialist = picks[sent % picks.size()];
    one.number = sent++;
    write_input(one.payload, one.number);
    one.since_ns = now_ns();
    way->submit(&one);
  };
  const auto warm_until = now_ns() + static_cast<std::int64_t>(seconds * 1e9 / 4);
  const auto until = warm_until + static_cast<std::int64_t>(seconds * 1e9);
  for (auto& one : errands) fire(one);
  for (std::size_t outstanding = window; outstanding > 0;) {
    auto* const one = way->answered();
    if (one == nullptr) {
      way->flush();
      relax();
      continue;
    }
    const auto at = now_ns();
    if (!answers(one->payload, one->number)) std::abort();
    if (at >= warm_until && at < until) latencies.add(at - one->since_ns);
    if (at < until)
      fire(*one);
    else
      --outstanding;
  }
  return figures_of(latencies, seconds);
}

}  // namespace

figures ring_floor(std::size_t specialists, std::size_t window, double seconds) {
  return measure<two_rings>(specialists, window, seconds);
}

figures ring_floor_open(std::size_t specialists, double rate_per_s, double seconds,
                        double service_ns) {
  const auto way = std::make_unique<two_rings>();
  const auto picks = zipf_picks(specialists);
  const worker other{*way, specialists, service_ns};
  std::vector<errand> errands(two_rings::room);
  std::vector<errand*> idle;
  idle.reserve(errands.size());
  for (auto& one : errands) idle.push_back(&one);
  runtime::load::latency_recorder latencies;
  const auto gaps = exponential_gaps(rate_per_s);
  std::size_t gap = 0;
  const auto begin = now_ns();
  const auto warm_until = begin + static_cast<std::int64_t>(seconds * 1e9 / 4);
  const auto until = static_cast<double>(warm_until) + seconds * 1e9;
  auto due = static_cast<double>(begin) + gaps.back();
  std::uint64_t sent = 0;
  while (due < until || idle.size() < errands.size()) {
    const auto now = static_cast<double>(now_ns());
    for (int i = 0; i < 16 && due <= now && due < until && !idle.empty(); ++i) {
      auto* const one = idle.back();
      idle.pop_back();
      one->specialist = picks[sent % picks.size()];
      one->number = sent++;
      write_input(one->payload, one->number);
      one->since_ns = static_cast<std::int64_t>(due);
      way->submit(one);
      due += gaps[gap++ % gaps.size()];
    }
    way->flush();
    while (auto* const one = way->answered()) {
      const auto at = now_ns();
      if (!answers(one->payload, one->number)) std::abort();
      if (one->since_ns >= warm_until) latencies.add(at - one->since_ns);
      idle.push_back(one);
    }
  }
  return figures_of(latencies, seconds);
}

figures queue_floor(std::size_t specialists, std::size_t window, double seconds) {
  return measure<two_queues>(specialists, window, seconds);
}

pauses pauses_of_two_threads(double seconds) {
  struct one {
    double lost_ns = 0, longest_ns = 0, long_ones = 0;
  };
  std::array<one, 2> found;
  const auto until = now_ns() + static_cast<std::int64_t>(seconds * 1e9);
  const auto look = [until](one& sample) {
    constexpr std::int64_t shortest_ns = 20'000;  // Less is the cost of reading the clock.
    constexpr std::int64_t long_ns = 1'000'000;
    for (auto before = now_ns(), now = before; now < until; before = now) {
      now = now_ns();
      const auto away = now - before;
      if (away < shortest_ns) continue;
      sample.lost_ns += static_cast<double>(away);
      sample.longest_ns = std::max(sample.longest_ns, static_cast<double>(away));
      if (away >= long_ns) ++sample.long_ones;
    }
  };
  std::thread other{[&] { look(found[1]); }};
  look(found[0]);
  other.join();
  return {(found[0].lost_ns + found[1].lost_ns) / 2e6 / seconds,
          (found[0].long_ones + found[1].long_ones) / 2 / seconds,
          std::max(found[0].longest_ns, found[1].longest_ns) / 1e6};
}

double line_round_trip_ns() {
  constexpr int rounds = 100'000;
  struct line {
    alignas(64) std::atomic<int> count{0};
  };
  line there, back;
  std::thread other{[&] {
    for (int i = 1; i <= rounds; ++i) {
      while (there.count.load(std::memory_order_acquire) != i) {
      }
      back.count.store(i, std::memory_order_release);
    }
  }};
  // The first half is a warm-up: it includes the start of the other thread.
  std::int64_t begin = 0;
  for (int i = 1; i <= rounds; ++i) {
    there.count.store(i, std::memory_order_release);
    while (back.count.load(std::memory_order_acquire) != i) {
    }
    if (i == rounds / 2) begin = now_ns();
  }
  const auto took = now_ns() - begin;
  other.join();
  constexpr int measured = rounds - rounds / 2;
  return static_cast<double>(took) / measured;
}

}  // namespace greenroom::bench
