// Every bound in bytes is attacked, while the node's memory is watched and a health probe and
// another specialist's tasks are answered.
#include "tests/integration/support/live_node.hpp"
#include "tests/machine/http/raw_client.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <set>
#include <thread>

namespace greenroom::tests {
namespace {

using namespace std::chrono_literals;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::size_t memory_factor = 3;  // Freed memory stays in quarantine.
constexpr auto patience = 6s;
#else
constexpr std::size_t memory_factor = 1;
constexpr auto patience = 3s;
#endif
constexpr std::size_t mib = 1024;  // In KiB.

/// A node with three specialists: `loud` (jsonl) and `packed` (msgpack) answer much, `calm` must
/// not be disturbed.
class attacked_node : public live_node {
public:
  explicit attacked_node(const std::string& settings, int packed = 1) : live_node{"", {}} {
    const auto script =
        std::filesystem::path{GREENROOM_SOURCE_DIR} / "tests/integration/support/large_worker.py";
    const auto one = [&](const std::string& name, const std::string& protocol,
                         const std::string& more = {}) {
      return "      - name: " + name + "\n        backend: { kind: process, protocol: " + protocol
             + ", task_timeout: 600s, side_effects: idempotent, command: [" + python()
             + ", -S, -E, " + script.string() + ", " + protocol + ", " + folder().string() + "]"
             + more + " }\n";
    };
    std::string yaml =
        "version: 1\njournal: { fsync: false }\nretry: { max_attempts: 1 }\n"
        "breaker: { failures: 1000000 }\n"
        + settings + "\ndepartments:\n  - name: STAGE\n    specialists:\n" + one("loud", "jsonl")
        + one("calm", "jsonl");
    for (int i = 0; i < packed; ++i) yaml += one("packed" + std::to_string(i), "msgpack");
    write_configuration(yaml);
  }
};

/// Polls the node's health, a task of `calm` and the node's memory.
class watch {
public:
  explicit watch(const live_node& node) : node_{node}, before_{resident_kib(node.pid())} {
    probe_ =
        std::thread{[this] { ask(slowest_probe_, [this] { return node_.get("/health/live"); }); }};
    task_ = std::thread{[this] { ask(slowest_task_, [this] { return node_.task("calm", 1); }); }};
    memory_ = std::thread{[this] {
      while (!over_) {
        peak_ = std::max<std::size_t>(peak_.load(), resident_kib(node_.pid()));
        std::this_thread::sleep_for(5ms);
      }
    }};
  }
  ~watch() { end(); }
  watch(const watch&) = delete;
  watch& operator=(const watch&) = delete;

  /// `mib_most`: how much the node may have grown.
  void expect_bounded(std::size_t mib_most) {
    end();
    const auto grown = peak_.load() > before_ ? peak_.load() - before_ : 0;
    std::printf("  grew by %zu MiB, slowest probe %lld ms, slowest task %lld ms\n", grown / mib,
                static_cast<long long>(slowest_probe_.load()),
                static_cast<long long>(slowest_task_.load()));
    EXPECT_LE(grown, mib_most * memory_factor * mib);
    EXPECT_LE(slowest_probe_.load(), std::chrono::milliseconds{patience}.count());
    EXPECT_LE(slowest_task_.load(), std::chrono::milliseconds{patience}.count());
    EXPECT_EQ(failed_.load(), 0);
    EXPECT_GE(asked_.load(), 2);
  }

private:
  template <class Ask>
  void ask(std::atomic<std::int64_t>& slowest, Ask how) {
    while (!over_) {
      const auto begun = std::chrono::steady_clock::now();
      if (how().status != 200) ++failed_;
      const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(
          std::chrono::steady_clock::now() - begun);
      slowest = std::max<std::int64_t>(slowest.load(), took.count());
      ++asked_;
    }
  }
  void end() {
    over_ = true;
    for (auto* one : {&probe_, &task_, &memory_})
      if (one->joinable()) one->join();
  }

  const live_node& node_;
  const std::size_t before_;
  std::atomic<bool> over_{false};
  std::atomic<int> failed_{0}, asked_{0};
  std::atomic<std::int64_t> slowest_probe_{0}, slowest_task_{0};
  std::atomic<std::size_t> peak_{0};
  std::thread probe_, task_, memory_;
};

TEST(Bounds, HoldForRepeatedIdempotencyKeys) {
  attacked_node node{"limits: { key_waiters_per_task: 5 }\npool: { max_warm: 4 }"};
  ASSERT_TRUE(node.start()) << node.errors();
  ASSERT_EQ(node.task("calm", 1).status, 200);
  const json held{{"specialist", "loud"},
                  {"input", {{"hold", "go"}, {"weight", std::string(1'000'000, 'x')}}},
                  {"idempotency_key", "same"}};
  auto first = node.begin(held);
  ASSERT_TRUE(eventually([&] { return node.state_of("loud") == "busy"; }));
  watch seen{node};
  // Nothing is kept for a caller that hung up.
  for (int i = 0; i < 300; ++i) {
    raw_client client{node.port()};
    ASSERT_TRUE(client.send(post("/v1/tasks", held.dump())));
    client.close();
  }
  auto later = held;
  later["mode"] = "async";
  std::string id;
  for (int i = 0; i < 300; ++i) {
    const auto repeated = node.task(later);
    ASSERT_EQ(repeated.status, 202) << repeated.body;
    id = repeated.id();
  }
  // Waiting callers are bounded, and the next one is refused with a reason.
  std::vector<std::future<answer>> waiting;
  for (int i = 0; i < 6; ++i) waiting.push_back(node.begin(held));
  const auto is_refused = [](const std::future<answer>& one) {
    return one.wait_for(0s) == std::future_status::ready;
  };
  ASSERT_TRUE(eventually([&] { return std::ranges::any_of(waiting, is_refused); }));
  seen.expect_bounded(160);
  node.release("go");
  EXPECT_EQ(first.get().status, 200);
  int refused = 0;
  for (auto& one : waiting) {
    const auto got = one.get();
    if (got.status == 200) continue;
    ++refused;
    EXPECT_EQ(got.status, 503) << got.head;
    EXPECT_NE(got.body.dump().find("limits.key_waiters_per_task"), std::string::npos) << got.body;
    EXPECT_NE(got.body.dump().find(id), std::string::npos) << got.body;
    EXPECT_NE(got.header("Retry-After"), "");
  }
  EXPECT_GE(refused, 1);
  EXPECT_LE(refused, 3);
}

TEST(Bounds, HoldForErrorsEventsAndTheirReplays) {
  attacked_node node{"limits: { event_readers: 200, event_log_bytes: 1MiB }"};
  ASSERT_TRUE(node.start()) << node.errors();
  ASSERT_EQ(node.task("calm", 1).status, 200);
  watch seen{node};
  for (int i = 0; i < 12; ++i) {
    const auto failed = node.task("loud", {{"fail", 8'000'000}, {"retryable", true}});
    ASSERT_EQ(failed.status, 502) << failed.head;
    // The detail is cut, and says so.
    EXPECT_GT(failed.detail().size(), 8'000U);
    EXPECT_LT(failed.detail().size(), 80'000U);
    EXPECT_NE(failed.detail().find("truncated, 8000000 bytes"), std::string::npos);
    // A success in between, or the circuit would open.
    ASSERT_EQ(node.task("loud", 1).status, 200);
  }
  // Readers that never read, more than the limit.
  std::vector<raw_client> readers;
  int taken = 0, refused = 0;
  for (int i = 0; i < 300; ++i) {
    readers.emplace_back(node.port(), 4096);
    ASSERT_TRUE(readers.back().send(get("/v1/events?after=0")));
  }
  for (auto& one : readers) {
    const auto head = one.until("\r\n\r\n");
    ++(status_of(head) == 200 ? taken : refused);
    if (status_of(head) == 503) {
      EXPECT_NE(head.find("Retry-After: "), std::string::npos) << head;
    }
  }
  EXPECT_EQ(taken, 200);
  EXPECT_EQ(refused, 100);
  // Events continue while they do not read.
  for (int i = 0; i < 40; ++i) {
    ASSERT_EQ(node.task("loud", {{"fail", 100}, {"retryable", true}}).status, 502);
    ASSERT_EQ(node.task("loud", 1).status, 200);
  }
  seen.expect_bounded(160);
  // New readers get all kept events, in order.
  for (auto& one : readers) one.close();
  EXPECT_TRUE(eventually([&] {
    raw_client late{node.port()};
    late.send(get("/v1/events?after=0"));
    if (status_of(late.until("\r\n\r\n")) != 200) return false;
    std::uint64_t last = 0;
    for (int i = 0; i < 30; ++i) {
      const auto text = late.until("\n\n");
      const auto at = text.find("id: ");
      if (at == std::string::npos) continue;
      const auto number = std::strtoull(text.c_str() + at + 4, nullptr, 10);
      if (last != 0) {
        EXPECT_EQ(number, last + 1);
      }
      last = number;
    }
    return last > 10;
  }));
}

TEST(Bounds, HoldForPagesOfLargeOutputs) {
  attacked_node node{"queue: { total: 200, per_specialist: 200 }"};
  ASSERT_TRUE(node.start()) << node.errors();
  ASSERT_EQ(node.task("calm", 1).status, 200);
  std::set<std::string> all;
  for (int i = 0; i < 60; ++i)
    all.insert(node.task(json{{"specialist", "loud"},
                              {"input", {{"big", i % 3 == 0 ? 30'000 : 4'000'000}}},
                              {"mode", "async"}})
                   .id());
  for (const auto& id : all) ASSERT_EQ(node.ended(id).state(), "completed");
  watch seen{node};
  std::vector<std::future<std::size_t>> readers;
  for (int i = 0; i < 4; ++i)
    readers.push_back(std::async(std::launch::async, [&] {
      std::set<std::string> found;
      std::string cursor;
      std::size_t largest = 0;
      for (int page = 0; page < 100; ++page) {
        raw_client client{node.port()};
        client.send(get("/v1/tasks?specialist=loud&limit=1000"
                        + (cursor.empty() ? "" : "&cursor=" + cursor)));
        const auto text = client.answer();
        largest = std::max(largest, text.size());
        const auto body = json::parse(body_of(text), nullptr, false);
        if (!body.is_object() || !body.contains("items")) return std::size_t{0};
        for (const auto& one : body["items"]) {
          found.insert(one["id"].get<std::string>());
          const bool large = one.contains("output_left_out");
          EXPECT_NE(large, one.contains("output")) << one["id"];
          if (large) {
            EXPECT_EQ(one["output_bytes"], 4'000'002);
          }
        }
        if (body["next"].is_null()) break;
        cursor = body["next"].get<std::string>();
      }
      EXPECT_EQ(found, all);
      return largest;
    }));
  for (auto& one : readers) {
    const auto largest = one.get();
    EXPECT_GT(largest, 0U);
    EXPECT_LT(largest, 2'000'000U);
  }
  seen.expect_bounded(160);
  // An output that the list omits can be fetched by its own URL.
  for (const auto& id : all) {
    const auto whole = node.get("/v1/tasks/" + id);
    ASSERT_EQ(whole.status, 200);
    EXPECT_GE(whole.body.value("output", "").size(), 30'000U);
  }
}

TEST(Bounds, HoldForListsThatWait) {
  attacked_node node{"limits: { state_requests: 4 }"};
  ASSERT_TRUE(node.start()) << node.errors();
  ASSERT_EQ(node.task("calm", 1).status, 200);
  watch seen{node};
  // More tasks than the queue holds; each refusal says when to retry.
  std::vector<raw_client> clients;
  for (int i = 0; i < 200; ++i) clients.emplace_back(node.port());
  for (auto& one : clients)
    ASSERT_TRUE(one.send(get("/metrics") + get("/v1/tasks?state=failed") + get("/v1/specialists")));
  int fine = 0, full = 0;
  for (auto& one : clients)
    for (int i = 0; i < 3; ++i) {
      const auto text = one.answer();
      ASSERT_TRUE(status_of(text) == 200 || status_of(text) == 503) << text;
      ++(status_of(text) == 200 ? fine : full);
      if (status_of(text) != 503) continue;
      EXPECT_NE(text.find("Retry-After: "), std::string::npos);
      EXPECT_NE(text.find("limits.state_requests"), std::string::npos);
    }
  EXPECT_GT(fine, 0);
  EXPECT_GT(full, 0);
  seen.expect_bounded(100);
}

TEST(Bounds, HoldForOutputsThatGrowWhenEncoded) {
  constexpr int workers = 6;
  attacked_node node{"pool: { max_warm: 12, cooldown: 10m }", workers};
  ASSERT_TRUE(node.start()) << node.errors();
  ASSERT_EQ(node.task("calm", 1).status, 200);
  const auto before = resident_kib(node.pid());
  watch seen{node};
  for (int i = 0; i < workers; ++i) {
    const auto name = "packed" + std::to_string(i);
    // 15 MB on the wire, 90 MB as JSON: the task fails once, and the worker stays.
    const auto refused = node.task(name, {{"control", 15'000'000}});
    EXPECT_EQ(refused.status, 422) << refused.head;
    EXPECT_NE(refused.detail().find("limits.output_bytes"), std::string::npos) << refused.detail();
    const auto whole = node.task(name, {{"big", 15'000'000}});
    ASSERT_EQ(whole.status, 200) << whole.head;
    EXPECT_EQ(whole.body.value("output", "").size(), 15'000'000U);
    EXPECT_EQ(node.get("/v1/specialists/" + name).body.value("restarts", -1), 0);
  }
  seen.expect_bounded(300);
  // Idle workers hold no output.
  EXPECT_TRUE(eventually([&] {
    return resident_kib(node.pid()) < before + 60 * memory_factor * mib;
  })) << "before "
      << before << " KiB, now " << resident_kib(node.pid());
}

TEST(Bounds, HoldForConnectionsWhateverTheFileLimit) {
  attacked_node node{"pool: { max_warm: 4 }"};
  node.limit_files(128, 160);
  ASSERT_TRUE(node.start()) << node.errors();
  EXPECT_TRUE(eventually([&] { return node.errors().find("files.scarce") != std::string::npos; }))
      << node.errors();
  EXPECT_NE(node.errors().find("limits.connections"), std::string::npos);
  std::vector<raw_client> idle;
  for (int i = 0; i < 300; ++i) idle.emplace_back(node.port());
  // A connection beyond the limit is refused at once.
  int refused = 0;
  for (int i = 0; i < 20; ++i) {
    raw_client late{node.port()};
    late.send(get("/health/live"));
    const auto begun = std::chrono::steady_clock::now();
    if (status_of(late.until("\r\n\r\n")) == 503) ++refused;
    EXPECT_LE(std::chrono::steady_clock::now() - begun, patience);
  }
  EXPECT_EQ(refused, 20);
  idle.clear();
  EXPECT_TRUE(eventually([&] { return node.get("/health/live").status == 200; }));
  EXPECT_EQ(node.task("loud", 5).status, 200);
}

TEST(Bounds, TellWhenTheWorkersOfTheBaselineCannotBeUp) {
  live_node node{"pool: { mode: baseline }\nretry: { base: 10ms, max: 20ms }", many(40)};
  node.limit_files(100, 100);
  ASSERT_TRUE(node.start()) << node.errors();
  EXPECT_TRUE(eventually([&] {
    return node.errors().find("not all workers can be up") != std::string::npos;
  })) << node.errors();
  EXPECT_TRUE(eventually([&] { return node.get("/health/ready").status == 503; }));
  const auto ready = node.get("/health/ready");
  EXPECT_EQ(ready.body.value("status", ""), "workers down") << ready.body;
  EXPECT_EQ(ready.body.value("kept_warm", 0), 40);
  EXPECT_GE(ready.body.value("down", 0), 20);
  EXPECT_NE(ready.body.value("why", "").find("ulimit -n"), std::string::npos) << ready.body;
}

TEST(Bounds, OfOpenFilesAreSaidWhenThereAreTooFewToStart) {
  live_node node{"pool: { max_warm: 1 }", {{"one"}}};
  for (const std::size_t files : {12U, 20U, 40U}) {
    node.limit_files(files, files);
    EXPECT_FALSE(node.start());
    EXPECT_EQ(node.exit_code(), 1);
  }
  EXPECT_NE(node.errors().find("ulimit"), std::string::npos) << node.errors();
  EXPECT_EQ(node.errors().find("report it"), std::string::npos) << node.errors();
}

TEST(Bounds, GiveWorkersTheFileLimitThatTheNodeWasGiven) {
  live_node node{"pool: { max_warm: 1 }", {{"one"}}};
  node.limit_files(512, 2048);
  ASSERT_TRUE(node.start()) << node.errors();
  ASSERT_EQ(node.task("one", 1).status, 200);
  const auto limit_of = [](int pid) {
    const auto file = "/proc/" + std::to_string(pid) + "/limits";
    std::FILE* const opened = std::fopen(file.c_str(), "re");
    unsigned long long soft = 0;
    char line[256];
    while (opened != nullptr && std::fgets(line, sizeof line, opened) != nullptr)
      if (std::sscanf(line, "Max open files %llu", &soft) == 1) break;
    if (opened != nullptr) std::fclose(opened);
    return soft;
  };
  EXPECT_EQ(limit_of(node.pid()), 2048U);
  const auto workers = node.workers();
  ASSERT_EQ(workers.size(), 1U);
  EXPECT_EQ(limit_of(*workers.begin()), 512U);
}

}  // namespace
}  // namespace greenroom::tests
