// What an operator asks the whole program for: its workers' last words, a reload, a stop.
#include "actors/doors/http_routes.hpp"
#include "config/loader.hpp"
#include "protocols/base/duration.hpp"
#include "protocols/base/json_writer.hpp"
#include "protocols/base/number.hpp"

#include <nlohmann/json.hpp>

#include <chrono>
#include <utility>

namespace greenroom::doors {

namespace {

constexpr std::size_t lines_shown = 100;
constexpr std::size_t lines_shown_max = 10'000;

/// Nothing, and answered, when the parameter is there and no whole number up to `most`.
std::optional<std::uint64_t> count_in(const call& one, std::string_view name,
                                      std::uint64_t otherwise, std::uint64_t most) {
  const auto text = one.parameter(name);
  if (!text || text->empty()) return otherwise;
  if (const auto value = base::parse_number<std::uint64_t>(*text); value && *value <= most)
    return value;
  answer_problem(one.reply,
                 protocols::problem_of(protocols::failure::malformed,
                                       "\"" + std::string{name} + "\" is a whole number of at most "
                                           + std::to_string(most) + "."));
  return std::nullopt;
}

void answer_embedded(const call& one, std::string_view what) {
  answer_problem(one.reply,
                 protocols::problem_named("embedded", 501, "Not Implemented",
                                          "This node runs inside another program, which alone can "
                                              + std::string{what} + " it."));
}

}  // namespace

void get_worker_lines(const door_ptr& here, call& one) {
  const auto most = count_in(one, "lines", lines_shown, lines_shown_max);
  if (!most) return;
  const auto after = count_in(one, "after", 0, UINT64_MAX);
  if (!after) return;
  const auto found =
      here->of->worker_lines(one.captured.front(), *after, static_cast<std::size_t>(*most));
  if (const auto* const why = std::get_if<refusal>(&found)) return answer_refusal(one.reply, *why);
  const base::json_array items{std::get<std::vector<worker_line>>(found), [](const auto& each) {
                                 return base::json_object{{"number", each.number},
                                                          {"unix_ms", each.unix_ms},
                                                          {"line", each.text}};
                               }};
  answer_json(one.reply, 200, base::json_object{{"items", items}});
}

void get_history(const door_ptr& here, call& one) {
  constexpr std::chrono::hours usual{1};
  constexpr std::uint64_t points_usual = 240;
  std::chrono::milliseconds last = usual;
  if (const auto text = one.parameter("last"); text && !text->empty()) {
    const auto read = base::parse_duration(*text);
    if (!read || read->count() <= 0)
      return answer_problem(one.reply,
                            protocols::problem_of(protocols::failure::malformed,
                                                  "\"last\" is a duration such as 15m or 24h."));
    last = *read;
  }
  const auto points = count_in(one, "points", points_usual, 10'000);
  if (!points) return;
  answer_json(one.reply, 200, here->of->history(last, static_cast<std::size_t>(*points)));
}

void post_tuning(const door_ptr& here, call& one) {
  const auto body = nlohmann::json::parse(one.asked.body(), nullptr, false);
  if (!body.is_object())
    return answer_problem(one.reply,
                          protocols::problem_of(protocols::failure::malformed,
                                                R"(Send the settings, such as {"max_warm":20}.)"));
  node::pool_settings wanted;
  for (const auto& [key, value] : body.items()) {
    std::string wrong;
    if (key == "max_warm") {
      if (value.is_number_unsigned() && value.get<std::uint64_t>() >= 1
          && value.get<std::uint64_t>() <= 1'000'000)
        wanted.max_warm = value.get<std::size_t>();
      else
        wrong = "a whole number of 1 or more";
    } else if (key == "cooldown_ms") {
      if (value.is_number_unsigned() && value.get<std::uint64_t>() <= 30ULL * 86'400'000)
        wanted.cooldown = std::chrono::milliseconds{value.get<std::int64_t>()};
      else
        wrong = "a whole number of milliseconds, at most 30 days";
    } else if (key == "target_memory") {
      if (value.is_number() && value.get<double>() >= 0 && value.get<double>() <= 1)
        wanted.target_memory = value.get<double>();
      else
        wrong = "a share from 0 to 1";
    } else {
      wrong = "not a setting; there are max_warm, cooldown_ms and target_memory";
    }
    if (!wrong.empty())
      return answer_problem(one.reply, protocols::problem_of(protocols::failure::malformed,
                                                             "\"" + key + "\" is " + wrong + "."));
  }
  // A reload waits for another one, and makes a whole cast: nothing for the loop.
  static_cast<void>(one.asked.take_body());
  const auto taken = here->of->aside([here, wanted, asked = one.asked,
                                      reply = one.reply]() mutable {
    const auto applied = here->of->tune(wanted);
    if (const auto* const why = std::get_if<node::failure>(&applied))
      return answer_problem(reply, protocols::problem_named("configuration-refused", 409,
                                                            "Configuration refused", why->what));
    call later{asked, reply, {}};
    get_tuning(here, later);
  });
  if (!taken) answer_state_full(here, one.reply);
}

void post_reload(const door_ptr& here, call& one) {
  if (!here->options.reload) return answer_embedded(one, "reload");
  // Answered by the thread that reads the files.
  here->options.reload([reply = one.reply](const reload_outcome& came) {
    if (came.problems.empty())
      return answer_json(reply, 200,
                         nlohmann::json{{"applied", true},
                                        {"source", came.source},
                                        {"change", came.change},
                                        {"workers_to_replace", came.workers},
                                        {"warnings", came.warnings}}
                             .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    std::string detail = "Nothing was changed: ";
    for (const auto& each : came.problems)
      detail += (&each == came.problems.data() ? "" : "; ") + each;
    answer_problem(reply, protocols::problem_named("configuration-refused", 409,
                                                   "Configuration refused", std::move(detail)));
  });
}

void post_stop(const door_ptr& here, call& one) {
  if (!here->options.stop) return answer_embedded(one, "stop");
  const auto how = one.parameter("now");
  const bool at_once = how && (*how == "true" || *how == "1" || how->empty());
  answer_json(one.reply, 202, at_once ? "{\"state\":\"stopping\"}" : "{\"state\":\"draining\"}");
  here->options.stop(at_once);
}

}  // namespace greenroom::doors
