// How a verb says what went wrong: one place, so that programs can rely on its form.
#pragma once

#include "config/loader.hpp"

#include <nlohmann/json.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace greenroom::apps {

/// From now on problems are written for programs. `main` says so, before any verb runs, when
/// `--json` is among the words of the command line.
void write_problems_as_json();

/// Says on stderr what went wrong: `greenroom: DETAIL` for people, or for programs an RFC 9457
/// problem of type `urn:greenroom:TYPE`, in one line. `more`: further members of the problem.
void say_problem(std::string_view type, const std::string& detail,
                 nlohmann::json more = nlohmann::json::object());

/// All that is wrong with a file or its overrides: a line each for people; for programs one problem
/// of type `urn:greenroom:wrong-configuration`, with the first as its detail and all as `problems`.
/// Nothing when there are none.
void say_problems(const std::vector<config::problem>& all);

/// A list of `source, line, column, key, message, suggestion`.
nlohmann::json problem_list(const std::vector<config::problem>& all);

}  // namespace greenroom::apps
