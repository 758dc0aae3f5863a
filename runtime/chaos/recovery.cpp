#include "runtime/chaos/recovery.hpp"

#include <algorithm>
#include <cmath>

namespace greenroom::runtime::chaos {

std::optional<double> recovery::recovery_s() const {
  if (ended_s < 0) return std::nullopt;
  auto when = ended_s;
  const auto need = [&](bool needed, double seen) {
    if (!needed) return true;
    when = std::max(when, seen);
    return seen >= 0;
  };
  if (!need(needs.success, answered_s) || !need(needs.back, back_s)
      || !need(needs.within, within_s))
    return std::nullopt;
  return when - ended_s;
}

std::optional<double> recovery::outage_s() const {
  if (began_s < 0 || served_s < 0) return std::nullopt;
  return served_s - began_s;
}

recovery* recovery_book::entry(std::size_t fault) {
  const auto at = std::ranges::find(all_, fault, &recovery::fault);
  return at == all_.end() ? nullptr : &*at;
}

void recovery_book::begin(std::size_t fault, std::uint32_t target, evidence needs, double now_s) {
  recovery one;
  one.fault = fault;
  one.target = target;
  one.needs = needs;
  one.began_s = now_s;
  all_.push_back(one);
}

void recovery_book::end(std::size_t fault, double now_s) {
  if (auto* one = entry(fault); one != nullptr && one->ended_s < 0) one->ended_s = now_s;
}

void recovery_book::success(std::uint32_t asked, std::uint32_t answered, double sent_s,
                            double now_s) {
  for (auto& one : all_) {
    if (one.target != asked && one.target != answered) continue;
    if (one.served_s < 0 && sent_s >= one.began_s) one.served_s = now_s;
    if (one.answered_s < 0 && one.over() && sent_s >= one.ended_s && one.target == answered)
      one.answered_s = now_s;
  }
}

void recovery_book::back(std::size_t fault, double now_s) {
  if (auto* one = entry(fault); one != nullptr && one->back_s < 0) one->back_s = now_s;
}

void recovery_book::forget(std::size_t fault) {
  std::erase_if(all_, [fault](const recovery& one) { return one.fault == fault; });
}

const recovery* recovery_book::find(std::size_t fault) const {
  const auto at = std::ranges::find(all_, fault, &recovery::fault);
  return at == all_.end() ? nullptr : &*at;
}

void recovery_book::memory(bool within, double measured_s) {
  if (!within) return;
  for (auto& one : all_) {
    if (!one.needs.within || measured_s < one.began_s) continue;
    if (one.contained_s < 0 && (!one.over() || measured_s < one.ended_s))
      one.contained_s = measured_s;
    if (one.within_s < 0 && one.over() && measured_s >= one.ended_s) one.within_s = measured_s;
  }
}

std::size_t recovery_book::open() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(all_, [](const recovery& one) { return !one.recovery_s(); }));
}

times summarize(std::vector<double> values) {
  times result;
  result.count = values.size();
  if (values.empty()) return result;
  std::ranges::sort(values);
  double sum = 0;
  for (const auto one : values) sum += one;
  result.mean = sum / static_cast<double>(values.size());
  const auto rank = static_cast<std::size_t>(std::ceil(0.95 * static_cast<double>(values.size())));
  result.p95 = values[std::max<std::size_t>(rank, 1) - 1];
  result.max = values.back();
  return result;
}

}  // namespace greenroom::runtime::chaos
