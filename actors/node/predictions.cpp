// The predictions of a node, and the traffic from which they were learned.
#include "actors/node/parts.hpp"
#include "protocols/base/hex.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <unordered_map>
#include <utility>

namespace greenroom {

namespace {

constexpr std::size_t reasons_max = 6;
// A factor this close to 1 (as a logarithm) is left out.
constexpr double least_shown = 0.02;
// The factor of a specialist that was never expected before has no bound.
constexpr double most_shown = 1000;

}  // namespace

std::vector<prediction_view> node::predictions() const {
  const actors::catalog_reader::scope reading;
  const auto& state = *parts_->state;
  const auto& catalog = state.catalogs.now();
  const auto now_s = state.clock.unix_s(state.clock.now_ns());
  auto board = state.forecast.read([](const actors::forecast_board::content& of) { return of; });
  std::unordered_map<std::uint32_t, const runtime::expectation*> announced;
  for (const auto& one : board.expected)
    if (now_s <= board.expected_at_s + one.within_s) announced.emplace(one.who, &one);
  std::vector<prediction_view> result;
  const auto add = [&](const runtime::ranked& rank) {
    if (rank.who >= catalog.members.size() || catalog.members[rank.who].gone) return;
    auto& view = result.emplace_back();
    view.specialist = catalog.name_of(rank.who);
    view.probability = rank.within_minute;
    view.score = rank.value;
    const auto& gauge = state.pools.of(parts_->admission->pool()).specialists[rank.who].gauge;
    view.state = to_string(gauge.state.load(std::memory_order_relaxed));
    if (const auto found = announced.find(rank.who); found != announced.end()) {
      const auto& why = *found->second;
      std::string text{runtime::source_name(why.because)};
      if (why.workflow < catalog.config.workflows.size()
          && why.because == runtime::source::workflow)
        text += " " + catalog.config.workflows[why.workflow].name;
      if (why.after < catalog.members.size()) text += " after " + catalog.name_of(why.after);
      view.reasons.emplace_back(std::move(text), why.probability);
      view.probability = std::max(view.probability, why.probability);
      announced.erase(found);
    }
    for (const auto& one : rank.reasons) {
      if (view.reasons.size() >= reasons_max || std::abs(std::log(one.factor)) < least_shown) break;
      view.reasons.emplace_back(one.source, std::min(one.factor, most_shown));
    }
  };
  for (const auto& one : board.ranks) add(one);
  // Announced since the last ranking.
  for (const auto& one : board.expected) {
    if (!announced.contains(one.who)) continue;
    runtime::ranked fresh;
    fresh.who = one.who;
    add(fresh);
  }
  return result;
}

prediction_state node::prediction() const {
  const actors::catalog_reader::scope reading;
  const auto& forecast = parts_->state->forecast;
  const auto believed =
      forecast.read([](const actors::forecast_board::content& of) { return of.policy; });
  const auto& gauge = parts_->state->pools.of(protocols::pool_kind::intelligent).gauge;
  return {believed.predicting, believed.keep_s, gauge.prewarm_hits.load(),
          forecast.prewarm_wastes.load(),
          static_cast<double>(forecast.prewarm_wasted_ms.load()) * 1e-3};
}

std::string node::recording() const {
  const actors::catalog_reader::scope reading;
  const auto& state = *parts_->state;
  const auto& catalog = state.catalogs.now();
  const auto& pool = state.pools.of(protocols::pool_kind::intelligent);
  auto tape = state.forecast.recording();
  std::ranges::sort(tape, {}, &protocols::arrival::unix_us);  // Of several departments.
  std::string result = "timestamp_s,specialist,duration_ms,case\n";
  result.reserve(tape.size() * 48 + result.size());
  for (const auto& one : tape) {
    if (one.specialist >= catalog.members.size()) continue;
    const auto run_ns = pool.specialists[one.specialist].gauge.run_ns.load();
    std::array<char, 32> time{};
    std::snprintf(time.data(), time.size(), "%.6f", static_cast<double>(one.unix_us) * 1e-6);
    result += time.data();
    result +=
        ',' + catalog.name_of(one.specialist) + ',' + std::to_string(run_ns / 1'000'000) + ',';
    if (one.case_key != 0) base::append_hex(result, one.case_key);
    result += '\n';
  }
  return result;
}

}  // namespace greenroom
