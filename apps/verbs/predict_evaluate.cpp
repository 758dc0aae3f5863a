#include "apps/verbs/predict_evaluate.hpp"

#include "apps/client/problem_line.hpp"
#include "apps/client/verb.hpp"
#include "runtime/machine/trace/trace_file.hpp"

#include <nlohmann/json.hpp>

#include <cstdio>
#include <unordered_map>

namespace greenroom::apps {
namespace {

nlohmann::ordered_json as_object(const runtime::accuracy& shares) {
  return {{"top1", shares.top1},
          {"top2", shares.top2},
          {"top3", shares.top3},
          {"top1_prefix2_noend", shares.top1_prefix2_noend},
          {"top1_prefix2_told", shares.top1_prefix2_told}};
}

void print_row(const char* name, const runtime::accuracy& shares) {
  std::printf("%-24s %7.4f %7.4f %7.4f %22.4f\n", name, shares.top1, shares.top2, shares.top3,
              shares.top1_prefix2_noend);
}

}  // namespace

std::vector<runtime::logged_case> cases_of(const runtime::trace& recorded) {
  std::vector<runtime::logged_case> cases;
  std::unordered_map<std::uint64_t, std::size_t> places;
  for (const runtime::request& one : recorded.requests) {
    if (one.case_key == 0) continue;
    const auto [at, fresh] = places.try_emplace(one.case_key, cases.size());
    if (fresh) cases.emplace_back();
    cases[at->second].push_back({one.time_s, one.who});
  }
  return cases;
}

int predict_evaluate(const std::string& path, bool as_json) {
  const auto read = machine::read_trace(path, machine::trace_order::in_file_order);
  if (const auto* wrong = std::get_if<machine::trace_error>(&read)) {
    say_problem("wrong-recording", wrong->what);
    return wrong_usage;
  }
  const std::vector<runtime::logged_case> cases = cases_of(std::get<runtime::trace>(read));
  if (cases.size() < 3) {
    say_problem("wrong-recording",
                path + ": " + std::to_string(cases.size())
                    + " cases, too few to train on two thirds and test on the rest — give a trace "
                      "with a `case` column");
    return failed;
  }
  const runtime::evaluation found = runtime::evaluate_log(cases);
  if (as_json) {
    nlohmann::ordered_json out = as_object(found.blended);
    out["cases_train"] = found.cases_train;
    out["cases_test"] = found.cases_test;
    out["targets"] = found.blended.targets;
    out["back_off"] = as_object(found.back_off());
    out["markov"] = as_object(found.markov());
    for (std::size_t order = 0; order < found.by_order.size(); ++order) {
      out["parts"]["order_" + std::to_string(order)] = as_object(found.by_order[order]);
    }
    std::printf("%s\n", out.dump().c_str());
    return done;
  }
  std::printf("%zu cases train, %zu test, %llu next steps to foresee\n\n", found.cases_train,
              found.cases_test, static_cast<unsigned long long>(found.blended.targets));
  std::printf("%-24s %7s %7s %7s %22s\n", "", "top-1", "top-2", "top-3", "top-1 ≥2 steps, no end");
  print_row("Greenroom", found.blended);
  for (std::size_t order = found.by_order.size(); order-- > 0;) {
    const std::string name = order == 0   ? "most frequent step"
                             : order == 1 ? "first-order Markov"
                                          : "back-off, up to " + std::to_string(order) + " steps";
    print_row(name.c_str(), found.by_order[order]);
  }
  return done;
}

}  // namespace greenroom::apps
