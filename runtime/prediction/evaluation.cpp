#include "runtime/prediction/evaluation.hpp"

#include "runtime/prediction/reference_models.hpp"

#include <algorithm>
#include <array>

namespace greenroom::runtime {

namespace {

constexpr std::size_t guesses = 4;

struct tally {
  std::array<std::uint64_t, 3> hits{};
  std::uint64_t targets = 0;
  std::uint64_t prefix2 = 0;
  std::uint64_t prefix2_hits = 0;
  std::uint64_t prefix2_told_hits = 0;

  void add(std::span<const specialist_index> ranked, specialist_index truth, std::size_t prefix) {
    ++targets;
    const bool counts = prefix >= 2 && truth != end_of_case;
    if (counts) ++prefix2;
    for (std::size_t i = 0; i < ranked.size() && i < hits.size(); ++i) {
      if (ranked[i] != truth) continue;
      for (std::size_t n = i; n < hits.size(); ++n) ++hits[n];
      if (counts && i == 0) ++prefix2_hits;
      break;
    }
    if (!counts) return;
    const auto first = std::find_if(ranked.begin(), ranked.end(),
                                    [](specialist_index who) { return who != end_of_case; });
    if (first != ranked.end() && *first == truth) ++prefix2_told_hits;
  }
  accuracy shares() const {
    const double all = static_cast<double>(std::max<std::uint64_t>(targets, 1));
    const double some = static_cast<double>(std::max<std::uint64_t>(prefix2, 1));
    return {static_cast<double>(hits[0]) / all,
            static_cast<double>(hits[1]) / all,
            static_cast<double>(hits[2]) / all,
            static_cast<double>(prefix2_hits) / some,
            static_cast<double>(prefix2_told_hits) / some,
            targets};
  }
};

/// One step of a training case, to be sorted by time.
struct arrival {
  double at_s;
  std::size_t which;
  std::size_t step;
};

void train(sequence_model& model, std::span<const logged_case> cases) {
  std::vector<arrival> arrivals;
  for (std::size_t which = 0; which < cases.size(); ++which) {
    // A log whose times decrease within a case keeps the order of its rows.
    double latest = -never_s;
    for (std::size_t step = 0; step < cases[which].size(); ++step) {
      latest = std::max(latest, cases[which][step].at_s);
      arrivals.push_back({latest, which, step});
    }
  }
  std::stable_sort(arrivals.begin(), arrivals.end(),
                   [](const arrival& a, const arrival& b) { return a.at_s < b.at_s; });
  std::vector<sequence_position> positions(cases.size());
  for (const arrival& next : arrivals) {
    sequence_position& at = positions[next.which];
    const logged_step& step = cases[next.which][next.step];
    model.learn(at, step.who);
    at.advance(step.who, step.at_s);
    if (next.step + 1 == cases[next.which].size()) model.learn(at, end_of_case);
  }
}

}  // namespace

evaluation evaluate_log(std::span<const logged_case> cases, const sequence_settings& settings) {
  evaluation result;
  result.cases_train = cases.size() * 2 / 3;
  result.cases_test = cases.size() - result.cases_train;

  sequence_model model(settings);
  train(model, cases.subspan(0, result.cases_train));
  std::vector<back_off_model> plain;
  for (std::size_t order = 0; order < evaluation::order_count; ++order) plain.emplace_back(order);
  std::vector<specialist_index> prefix;
  for (const logged_case& one : cases.subspan(0, result.cases_train)) {
    prefix.clear();
    for (std::size_t i = 0; i <= one.size(); ++i) {
      const specialist_index next = i < one.size() ? one[i].who : end_of_case;
      for (back_off_model& one_model : plain) one_model.learn(prefix, next);
      prefix.push_back(next);
    }
  }

  tally blended_tally;
  std::array<tally, evaluation::order_count> plain_tallies;
  for (const logged_case& one : cases.subspan(result.cases_train)) {
    sequence_position at;
    prefix.clear();
    for (std::size_t i = 0; i <= one.size(); ++i) {
      const specialist_index truth = i < one.size() ? one[i].who : end_of_case;
      if (i > 0) {
        std::array<next_step, guesses> steps;
        std::array<specialist_index, guesses> ranked;
        const std::size_t found = model.rank(at, steps);
        for (std::size_t n = 0; n < found; ++n) ranked[n] = steps[n].who;
        blended_tally.add({ranked.data(), found}, truth, i);
        for (std::size_t order = 0; order < evaluation::order_count; ++order) {
          plain_tallies[order].add(plain[order].rank(prefix, guesses), truth, i);
        }
      }
      if (i < one.size()) {
        at.advance(one[i].who, one[i].at_s);
        prefix.push_back(one[i].who);
      }
    }
  }
  result.blended = blended_tally.shares();
  for (std::size_t order = 0; order < evaluation::order_count; ++order) {
    result.by_order[order] = plain_tallies[order].shares();
  }
  return result;
}

}  // namespace greenroom::runtime
