// How a verb reports a problem: one place, so that scripts can rely on the format.
#pragma once

#include "config/problem.hpp"

#include <nlohmann/json.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace greenroom::apps {

/// Switches `say_problem` to JSON. `main` calls it before any verb runs, when `--json` is on the
/// command line.
void write_problems_as_json();

/// Prints a problem to stderr: `greenroom: DETAIL`, or with JSON one line with an RFC 9457 problem
/// of type `urn:greenroom:TYPE`. `more`: further members of the problem.
void say_problem(std::string_view type, const std::string& detail,
                 nlohmann::json more = nlohmann::json::object());

/// Prints every problem of a configuration: as text one line each; as JSON one problem of type
/// `urn:greenroom:wrong-configuration`, with the first as `detail` and all as `problems`. Prints
/// nothing when `all` is empty.
void say_problems(const std::vector<config::problem>& all);

/// A list of `source, line, column, key, message, suggestion`.
nlohmann::json problem_list(const std::vector<config::problem>& all);

}  // namespace greenroom::apps
