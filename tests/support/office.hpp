// A predicting node in virtual time, whose workers act at once.
#pragma once

#include "runtime/pooling/predictive_policy.hpp"
#include "tests/support/stage.hpp"

#include <algorithm>
#include <chrono>

namespace greenroom::tests {

class office : public stage {
public:
  explicit office(config::node config) : stage{std::move(config)} {
    options.policies[0] = [] { return runtime::make_predictive_policy(); };
    options.with_predictor = true;
  }

  /// Advances time while workers start, answer and stop at once.
  void pass(std::chrono::milliseconds time) {
    const auto step = std::min(time, std::chrono::milliseconds{500});
    for (auto left = time; left.count() > 0; left -= step) {
      serve();
      world.advance(step);
    }
    serve();
  }
  /// Every start takes as long as the time between two calls.
  void serve() {
    for (std::size_t i = 0; i < seen_; ++i)
      if (!all[i]->gone) all[i]->get_ready();
    seen_ = all.size();
    for (int i = 0; i < 3; ++i) {
      world.dispatch();
      for (auto& one : all) {
        if (one->gone) continue;
        if (one->stopping) {
          one->die();
        } else {
          one->finish_one();
        }
      }
    }
    world.dispatch();
  }
  bool is_up(const std::string& name) {
    const auto found = workers.find(name);
    return found != workers.end() && !found->second->gone && !found->second->stopping;
  }
  void put_away(std::uint32_t who) {
    caf::anon_send(root, protocols::cool_by_hand{who});
    pass(std::chrono::seconds{3});
  }
  std::size_t heard(const std::string& kind) const {
    std::size_t count = 0;
    for (const auto& one : shared->events.after(0))
      if (one.kind == kind) ++count;
    return count;
  }

private:
  std::size_t seen_ = 0;
};

}  // namespace greenroom::tests
