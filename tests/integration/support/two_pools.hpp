// A live node with both pools, quick to roll out, and callers who count what they hear.
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
/// (s0). Holds are short, limits of time far away: only what a test does turns the pool bad, not a
/// machine that is slow.
class two_pools {
public:
  /// `more`: lines of YAML at the top level. `rollout` and `rollback`: flow entries that are added
  /// to those sections.
  explicit two_pools(const std::string& more = {}, const std::string& rollout = {},
                     const std::string& rollback = {});
  ~two_pools();

  /// Writes the file anew, for a start or a SIGHUP.
  void configure(const std::string& more, const std::string& rollout, const std::string& rollback);
  /// The node dies at each step it records and has not recorded before; see crash_point.cpp.
  void die_at_every_step();
  /// Starts it again. False when it has died of another step before it listened.
  bool lives_again();
  /// The steps at which it has died.
  [[nodiscard]] std::vector<std::string> steps() const;

  /// Callers begin, or stop, to ask. A node that is away is asked again later.
  void begin_traffic(std::size_t callers = 3);
  void end_traffic();
  /// What callers heard, by HTTP status; a connection that broke is no answer.
  [[nodiscard]] std::map<int, std::size_t> heard() const;
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
  /// Makes the intelligent pool fail, or be slow, or well again.
  void turn(const std::string& how, bool on = true) const;
  /// A durable task; empty when it was not accepted.
  [[nodiscard]] std::string ask_durably(const json& body) const;

  live_node node{"", {}};

private:
  std::atomic<bool> stop_{false};
  std::vector<std::thread> callers_;
  mutable std::mutex mutex_;
  std::map<int, std::size_t> heard_;
};

}  // namespace greenroom::tests
