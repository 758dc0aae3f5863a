// Predicts from sessions under way: which specialists will they use next?
#pragma once

#include <array>
#include <cstdint>
#include <list>
#include <unordered_map>
#include <vector>

#include "runtime/pooling/arrival_history.hpp"
#include "runtime/pooling/warm_policy.hpp"

namespace greenroom::runtime {

/// For each of the most recent sessions: the hazard of its next request at its current age (learned
/// over all sessions, by the session's number of requests), times the probability that this request
/// is for a given specialist after the last one. The probability of staying with the same
/// specialist is learned per session; the probability of each other specialist is learned over all
/// sessions. All tables are bounded.
class session_signal {
public:
  void grow(std::size_t specialists);
  /// A request of a session; a key of 0 means no session and is ignored. Constant work.
  void observe(specialist_index who, std::uint64_t case_key, double now_s);
  /// Whether any session had a request within `silent_s`.
  bool under_way(double now_s) const {
    return !sessions_.empty() && now_s - sessions_.front().last_s < silent_s;
  }
  /// Requests per second expected for `who` from the sessions under way; negative while no session
  /// was ever observed.
  double rate(specialist_index who, double now_s) const;

private:
  static constexpr std::size_t stages = 3;  ///< First request, a few, many.
  static constexpr std::size_t sessions_max = 4096;
  static constexpr std::size_t looked_at = 32;
  static constexpr std::size_t successors_max = 16;
  static constexpr double silent_s = 4 * 3600;

  struct session {
    std::uint64_t key = 0;
    double last_s = 0;
    specialist_index who = 0;
    std::uint32_t requests = 0;
    std::uint32_t turns = 0;  ///< Requests for a different specialist than the last.
  };
  struct successor {
    specialist_index who = 0;
    float count = 0;
  };
  struct follow {
    std::vector<successor> next;
    double total = 0;
  };
  struct return_times {
    std::array<double, age_bins> ended{};
    std::array<double, age_bins> hazard{};
    double waiting = 0;
  };

  static std::size_t stage_of(std::uint32_t requests);
  void follows(specialist_index before, specialist_index who);
  double probability(const session& one, specialist_index who) const;
  void refresh(return_times& times);

  std::list<session> sessions_;  ///< The most recent first.
  std::unordered_map<std::uint64_t, std::list<session>::iterator> known_;
  std::vector<follow> follow_;
  std::vector<double> turned_to_;  ///< Turns to each specialist from another one.
  double turns_ = 0;
  double returns_seen_ = 0;
  std::array<return_times, stages> returns_;
  std::size_t since_refresh_ = 0;
};

}  // namespace greenroom::runtime
