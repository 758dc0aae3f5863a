// A live node with both pools and short hold times, and callers that count the answers.
#pragma once

#include "tests/integration/support/live_node.hpp"

#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace greenroom::tests {

/// Five specialists in one department, CREW; `s4` is unsafe. Commands: implement (CREW), analyze
/// (s0). Hold times are short and time limits long: only the test makes a pool fail, not a slow
/// machine.
class two_pools {
public:
  /// `more`: lines of YAML at the top level. `rollout` and `rollback`: flow entries that are added
  /// to those sections.
  explicit two_pools(const std::string& more = {}, const std::string& rollout = {},
                     const std::string& rollback = {});
  ~two_pools();

  /// Writes the configuration file, for a start or a SIGHUP.
  void configure(const std::string& more, const std::string& rollout, const std::string& rollback);
  /// The node dies at each step that it records for the first time; see crash_point.cpp.
  void die_at_every_step();
  /// Starts the node again. False when the node died at another step before it listened.
  bool lives_again();
  /// The steps at which the node died.
  [[nodiscard]] std::vector<std::string> steps() const;

  /// Callers begin, or stop, to send tasks. A caller retries while the node does not listen.
  void begin_traffic(std::size_t callers = 3);
  void end_traffic();
  /// The number of answers by HTTP status; a broken connection is no answer.
  [[nodiscard]] std::map<int, std::size_t> statuses() const;
  void forget();

  [[nodiscard]] json rollout() const { return node.get("/v1/rollout").body; }
  [[nodiscard]] std::string phase() const { return rollout().value("phase", ""); }
  [[nodiscard]] std::string mode() const { return rollout().value("mode", ""); }
  [[nodiscard]] json rollback(const std::string& id = "last") const {
    return node.get("/v1/rollbacks/" + id).body;
  }
  [[nodiscard]] std::string rollback_state() const { return rollback().value("state", ""); }
  answer steer(const std::string& verb, const json& body = json::object()) const {
    return node.ask("POST", "/v1/rollout/" + verb, body.dump());
  }
  answer route(double percentage) const {
    return node.ask("PUT", "/v1/routing", json{{"percentage", percentage}}.dump());
  }
  answer roll_back(json body) const { return node.ask("POST", "/v1/rollback", body.dump()); }
  /// "PARTIAL_ROLLOUT 25" for each stage that was entered, in order.
  [[nodiscard]] std::vector<std::string> stages() const;
  /// Makes the intelligent pool fail, or slow, or recover.
  void turn(const std::string& how, bool on = true) const;
  /// The ID of a durable task; empty when the task was not accepted.
  [[nodiscard]] std::string ask_durably(const json& body) const;

  live_node node{"", {}};

private:
  std::atomic<bool> stop_{false};
  std::vector<std::thread> callers_;
  mutable std::mutex mutex_;
  std::map<int, std::size_t> heard_;
};

}  // namespace greenroom::tests
