#include "tests/integration/support/two_pools.hpp"

#include <csignal>
#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace greenroom::tests {

using namespace std::chrono_literals;

two_pools::two_pools(const std::string& more, const std::string& rollout,
                     const std::string& rollback) {
  configure(more, rollout, rollback);
}

two_pools::~two_pools() { end_traffic(); }

void two_pools::configure(const std::string& more, const std::string& rollout,
                          const std::string& rollback) {
  const auto script =
      (std::filesystem::path{GREENROOM_SOURCE_DIR} / "tests/integration/support/pool_worker.py")
          .string();
  std::string yaml =
      "version: 1\nlisten: 127.0.0.1:0\ndata_dir: " + (node.folder() / "data").string() + R"(
health_interval: 300ms
retry: { max_attempts: 2, base: 5ms }
pool: { mode: baseline, max_warm: 2, cooldown: 1s, min_residency: 50ms }
rollout:
  check_interval: 100ms
  grace: 1s
  shadow_hold: 300ms
  step_hold: 300ms
  min_samples: 10
  criteria: { memory_efficiency: 0.05, error_rate: 0.02, response_ratio: 2.5, response_slack: 60s }
)" + (rollout.empty() ? "" : "  " + rollout + "\n")
      + "rollback: { memory_efficiency: 0, health: 0.05" + (rollback.empty() ? "" : ", " + rollback)
      + " }\n" + "commands: { implement: { department: CREW }, analyze: { specialist: s0 } }\n"
      + more + "\ndepartments:\n  - name: CREW\n    specialists:\n";
  for (int i = 0; i < 5; ++i)
    yaml += "      - name: s" + std::to_string(i)
            + "\n        backend: { kind: process, protocol: jsonl, task_timeout: 60s, "
            + (i == 4 ? "side_effects: unsafe, " : "") + "command: [" + live_node::python()
            + ", -S, -E, " + script + ", " + node.folder().string() + "] }\n";
  node.write_configuration(yaml);
}

void two_pools::die_at_every_step() {
  const auto library = std::filesystem::path{GREENROOM_BINARY_DIR} / "lib" / "libcrash_point.so";
  node.set_environment("LD_PRELOAD", library.string());
  node.set_environment("CRASH_BOOK", (node.folder() / "steps").string());
}

bool two_pools::lives_again() {
  if (node.start()) return true;
  constexpr int killed = 128 + SIGKILL;
  if (node.exit_code() != killed) throw std::runtime_error{"it did not start: " + node.errors()};
  return false;
}

std::vector<std::string> two_pools::steps() const {
  std::vector<std::string> result;
  std::ifstream book{node.folder() / "steps"};
  for (std::string line; std::getline(book, line);) result.push_back(line);
  return result;
}

void two_pools::begin_traffic(std::size_t callers) {
  stop_ = false;
  for (std::size_t i = 0; i < callers; ++i)
    callers_.emplace_back([this, i] {
      // Two specialists get most tasks, so that not all need to be warm.
      for (std::size_t n = i; !stop_; ++n) {
        const auto* who = n % 40 == 39 ? "s3" : n % 3 == 0 ? "s1" : "s0";
        const auto got = node.task(
            json{{"specialist", who}, {"input", n}, {"case", "c" + std::to_string(n % 37)}});
        if (got.status != 0) {
          const std::lock_guard lock{mutex_};
          ++heard_[got.status];
        }
        // An upper limit on each caller's tasks per second, however fast the answers are.
        std::this_thread::sleep_for(4ms);
      }
    });
}

void two_pools::end_traffic() {
  stop_ = true;
  for (auto& one : callers_) one.join();
  callers_.clear();
}

std::map<int, std::size_t> two_pools::statuses() const {
  const std::lock_guard lock{mutex_};
  return heard_;
}

void two_pools::forget() {
  const std::lock_guard lock{mutex_};
  heard_.clear();
}

std::vector<std::string> two_pools::stages() const {
  std::vector<std::string> result;
  for (const auto& one : rollout().value("decisions", json::array())) {
    const auto kind = one.value("kind", "");
    if (kind != "entered" && kind != "completed" && kind != "routed") continue;
    auto stage = one.value("phase", "");
    if (stage == "PARTIAL_ROLLOUT")
      stage += " " + std::to_string(static_cast<int>(one.value("percentage", 0.0)));
    result.push_back(std::move(stage));
  }
  return result;
}

void two_pools::turn(const std::string& how, bool on) const {
  if (on)
    node.release(how);
  else
    std::filesystem::remove(node.folder() / how);
}

std::string two_pools::ask_durably(const json& body) const {
  auto wanted = body;
  wanted["mode"] = "async";
  const auto got = node.task(wanted);
  return got.status == 202 ? got.id() : std::string{};
}

}  // namespace greenroom::tests
