#include "apps/client/problem_line.hpp"

#include "protocols/plain_text.hpp"

#include <cstdio>
#include <utility>

namespace greenroom::apps {

using nlohmann::json;

namespace {

// Global, because problems are also reported before a verb is known.
bool for_programs = false;

}  // namespace

void write_problems_as_json() { for_programs = true; }

void say_problem(std::string_view type, const std::string& detail, json more) {
  if (!for_programs) {
    std::fprintf(stderr, "greenroom: %s\n",
                 protocols::plain_text(detail, protocols::line_ends::keep).c_str());
    return;
  }
  auto problem = std::move(more);
  problem["type"] = "urn:greenroom:" + std::string{type};
  problem["detail"] = detail;
  std::fprintf(stderr, "%s\n",
               problem.dump(-1, ' ', false, json::error_handler_t::replace).c_str());
}

void say_problems(const std::vector<config::problem>& all) {
  if (all.empty()) return;
  if (!for_programs) {
    for (const auto& one : all) say_problem("wrong-configuration", config::to_string(one));
    return;
  }
  say_problem("wrong-configuration", config::to_string(all.front()),
              {{"problems", problem_list(all)}});
}

json problem_list(const std::vector<config::problem>& all) {
  json list = json::array();
  for (const auto& each : all) {
    list.push_back({{"source", each.source},
                    {"line", each.line},
                    {"column", each.column},
                    {"key", each.key},
                    {"message", each.message},
                    {"suggestion", each.suggestion}});
  }
  return list;
}

}  // namespace greenroom::apps
