#include "apps/bench/ring_floor.hpp"

#include "apps/bench/stage.hpp"

#include <boost/lockfree/queue.hpp>

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

/// One direction: one thread writes, the other reads, and either publishes only what has gathered.
class ring {
public:
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
  // A power of two, and more than any window: no bound has to be checked.
  alignas(64) std::array<errand*, 4096> slots_{};
  alignas(64) std::atomic<std::uint64_t> published_{0};
  alignas(64) std::uint64_t written_ = 0;
  alignas(64) std::uint64_t read_ = 0;
  std::uint64_t seen_ = 0;
};

class two_rings {
public:
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

template <class Way>
figures measure(std::size_t specialists, std::size_t window, double seconds) {
  const auto way = std::make_unique<Way>();
  const auto picks = zipf_picks(specialists);
  std::vector<std::uint64_t> handled(specialists);
  std::atomic<bool> stop{false};
  std::thread worker{[&] {
    while (!stop.load(std::memory_order_relaxed)) {
      auto* one = way->wanted();
      if (one == nullptr) {
        way->flush_answers();
        relax();
        continue;
      }
      ++handled[one->specialist];
      way->answer(one);
    }
  }};
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
  stop = true;
  worker.join();
  return figures_of(latencies, seconds);
}

}  // namespace

figures ring_floor(std::size_t specialists, std::size_t window, double seconds) {
  return measure<two_rings>(specialists, window, seconds);
}

figures queue_floor(std::size_t specialists, std::size_t window, double seconds) {
  return measure<two_queues>(specialists, window, seconds);
}

}  // namespace greenroom::bench
