// The HTTP door and the journal: sync tasks, durable ones, refusals.
#include "apps/bench/benchmarks.hpp"
#include "apps/bench/callers.hpp"
#include "apps/bench/http_floor.hpp"
#include "apps/bench/http_load.hpp"
#include "apps/bench/journal_floor.hpp"
#include "protocols/task.hpp"

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

namespace greenroom::bench {

namespace {

constexpr std::size_t cast_size = 83;
constexpr std::size_t clients = 64;

/// A node and its HTTP door.
struct served {
  std::unique_ptr<node> on;
  std::unique_ptr<doors::http_door> door;
  std::string wrong;

  explicit served(node_or_error opened) {
    if (auto* why = std::get_if<std::string>(&opened)) {
      wrong = *why;
      return;
    }
    on = std::move(std::get<0>(opened));
    auto made = open_door(*on);
    if (auto* why = std::get_if<std::string>(&made))
      wrong = *why;
    else
      door = std::move(std::get<0>(made));
  }
};

void check(result& whole, const http_report& report) {
  if (!report.trouble.empty()) whole.wrong = report.trouble;
  if (report.wrong > 0)
    whole.wrong = std::to_string(report.wrong) + " answers had another status than expected";
}

}  // namespace

std::vector<result> http(const settings& how) {
  result whole;
  whole.name = "http";
  served subject{open_functions(echo_functions(cast_size))};
  whole.wrong = subject.wrong;
  if (!whole.wrong.empty()) return {whole};
  const http_echo echo;
  std::vector<figures> tasks, echoes;
  for (int round = 0; round < how.rounds && whole.wrong.empty(); ++round) {
    const auto report = http_load_from_outside(
        how, {.port = subject.door->port(), .connections = clients, .seconds = how.seconds});
    check(whole, report);
    tasks.push_back(report.found);
    const auto bare = http_load_from_outside(how, {.port = echo.port(),
                                                   .connections = clients,
                                                   .seconds = how.seconds,
                                                   .what = http_load::echo});
    check(whole, bare);
    echoes.push_back(bare.found);
  }
  whole.found = median(tasks);
  whole.floors = {{"bare RESTinio echo", median(echoes)}};
  whole.ratio = whole.found.tasks_per_s / whole.floors.front().found.tasks_per_s;
  whole.more = {{"connections", clients}};
  return {whole};
}

// -- journal ------------------------------------------------------------------

namespace {

/// Clients that each send the next durable task when the one before is acknowledged.
class durable_clients {
public:
  durable_clients(node& on, const call_targets& targets, double seconds)
      : on_{on},
        targets_{targets},
        warm_until_{now_ns() + static_cast<std::int64_t>(seconds * 1e9 / 4)},
        until_{warm_until_ + static_cast<std::int64_t>(seconds * 1e9)},
        seconds_{seconds} {}

  call_report run() {
    for (std::size_t i = 0; i < clients; ++i) send();
    std::unique_lock lock{mutex_};
    for (;;) {
      waker_.wait(lock, [&] { return to_send_ > 0 || (open_ == 0 && unfinished_ == 0); });
      if (to_send_ == 0) break;
      const auto count = std::exchange(to_send_, 0);
      lock.unlock();
      for (std::size_t i = 0; i < count; ++i) send();
      lock.lock();
    }
    report_.found = figures_of(latencies_, seconds_);
    return report_;
  }

private:
  class one_task final : public protocols::task_observer {
  public:
    explicit one_task(durable_clients& home) : home_{home} {}
    void on_accepted(const protocols::task&) noexcept override { home_.accepted(since_ns); }
    void on_end(const protocols::task& job) noexcept override {
      home_.ended(job.state.load() == protocols::task_state::completed && job.output == expected);
    }
    std::string expected;
    std::int64_t since_ns = 0;

  private:
    durable_clients& home_;
  };

  void send() {
    auto one = std::make_shared<one_task>(*this);
    task_request request;
    request.specialist = targets_.name_of(sent_);
    write_input(one->expected, sent_++);
    request.input = one->expected;
    request.durable = true;
    one->since_ns = now_ns();
    {
      const std::lock_guard lock{mutex_};
      ++open_;
      ++unfinished_;
    }
    if (on_.submit(std::move(request), one)) return;
    const std::lock_guard lock{mutex_};
    --open_;
    --unfinished_;
    ++report_.refused;
    if (now_ns() < until_) ++to_send_;
  }
  void accepted(std::int64_t since_ns) {
    const auto at = now_ns();
    const std::lock_guard lock{mutex_};
    --open_;
    if (at >= warm_until_ && at < until_) latencies_.add(at - since_ns);
    if (at < until_) ++to_send_;
    waker_.notify_one();
  }
  void ended(bool good) {
    const std::lock_guard lock{mutex_};
    if (!good) ++report_.wrong;
    if (--unfinished_ == 0) waker_.notify_one();
  }

  node& on_;
  const call_targets& targets_;
  std::int64_t warm_until_, until_;
  double seconds_;
  std::uint64_t sent_ = 0;
  std::mutex mutex_;  // Protects the members below.
  std::condition_variable waker_;
  std::size_t open_ = 0, unfinished_ = 0, to_send_ = 0;
  runtime::load::latency_recorder latencies_;
  call_report report_;
};

}  // namespace

std::vector<result> journal(const settings& how) {
  result whole;
  whole.name = "journal";
  const scratch_directory scratch{how};
  auto cast = echo_functions(cast_size);
  cast.configuration.data_dir = scratch.path();
  cast.configuration.journal.fsync = true;
  served subject{open_functions(std::move(cast), false)};
  whole.wrong = subject.wrong;
  if (!whole.wrong.empty()) return {whole};
  const auto targets = zipf_targets(cast_size);
  std::vector<figures> tasks, inserts, over_http;
  floor_options floor;
  floor.directory = scratch.path();
  floor.batch = clients;
  floor.row_bytes = payload_bytes;
  floor.seconds = how.seconds;
  std::uint64_t refused = 0;
  for (int round = 0; round < how.rounds && whole.wrong.empty(); ++round) {
    const auto report = durable_clients{*subject.on, targets, how.seconds}.run();
    if (report.wrong > 0) whole.wrong = std::to_string(report.wrong) + " tasks ended badly";
    refused += report.refused;
    tasks.push_back(report.found);
    const auto found = sqlite_insert_floor(floor);
    if (const auto* why = std::get_if<std::string>(&found)) {
      whole.wrong = *why;
      break;
    }
    const auto& bare = std::get<floor_result>(found);
    inserts.push_back({bare.tasks_per_s, bare.p50_us, bare.p99_us, bare.p999_us});
    const auto posted = http_load_from_outside(how, {.port = subject.door->port(),
                                                     .connections = clients,
                                                     .seconds = how.seconds,
                                                     .what = http_load::async_task,
                                                     .status = 202});
    check(whole, posted);
    over_http.push_back(posted.found);
  }
  whole.found = median(tasks);
  whole.floors = {{"bare SQLite insert, 64 rows a transaction", median(inserts)}};
  whole.ratio = whole.found.tasks_per_s / whole.floors.front().found.tasks_per_s;
  whole.more = {{"clients", clients},
                {"refused", static_cast<double>(refused)},
                {"over_http_per_s", median(over_http).tasks_per_s},
                {"over_http_p50_us", median(over_http).p50_us}};
  return {whole};
}

// -- refusal ------------------------------------------------------------------

std::vector<result> refusals(const settings& how) {
  result whole;
  whole.name = "refusal";
  // A callable that blocks until the gate opens.
  struct gate {
    std::mutex mutex;
    std::condition_variable waker;
    bool open = false;
  };
  const auto closed = std::make_shared<gate>();
  auto cast = echo_functions(1);
  cast.configuration.queue.per_specialist = 8;
  cast.callables.front().inline_run = false;
  cast.callables.front().run = [closed](const std::string& input) {
    std::unique_lock lock{closed->mutex};
    closed->waker.wait(lock, [&] { return closed->open; });
    return input;
  };
  cast.configuration.departments.front().specialists.front().backend.task_timeout =
      std::chrono::hours{1};
  served subject{open_functions(std::move(cast))};
  whole.wrong = subject.wrong;
  if (!whole.wrong.empty()) return {whole};
  std::vector<std::future<task_view>> waiting;
  for (bool full = false; !full;) {
    task_request request;
    request.specialist = name_of(0);
    auto answer = subject.on->submit(std::move(request));
    full = answer.wait_for(std::chrono::seconds{0}) == std::future_status::ready;
    waiting.push_back(std::move(answer));
  }
  std::vector<figures> found, crowd;
  http_order order{.port = subject.door->port(),
                   .connections = 1,
                   .seconds = how.seconds,
                   .specialists = 1,
                   .status = 503};
  for (int round = 0; round < how.rounds && whole.wrong.empty(); ++round) {
    order.connections = 1;
    const auto one = http_load_from_outside(how, order);
    check(whole, one);
    found.push_back(one.found);
    order.connections = clients;
    const auto many = http_load_from_outside(how, order);
    check(whole, many);
    crowd.push_back(many.found);
  }
  {
    const std::lock_guard lock{closed->mutex};
    closed->open = true;
  }
  closed->waker.notify_all();
  for (auto& one : waiting) one.wait();
  if (found.empty()) return {whole};
  whole.found = median(found);
  whole.more = {{"status", 503},
                {"with_64_clients_per_s", median(crowd).tasks_per_s},
                {"with_64_clients_p50_us", median(crowd).p50_us}};
  return {whole};
}

}  // namespace greenroom::bench
