// Rollout, routing, rollback, diagnosis and the report over HTTP.
#include "actors/doors/http_routes.hpp"
#include "actors/node/deployment_check.hpp"
#include "actors/node/parts.hpp"
#include "actors/state/status_board.hpp"
#include "config/loader.hpp"
#include "protocols/base/duration.hpp"
#include "protocols/base/http_url.hpp"
#include "protocols/base/json_writer.hpp"
#include "runtime/rollout/json_fields.hpp"

#include <nlohmann/json.hpp>

#include <utility>

namespace greenroom::doors {

namespace {

using actors::steering;
using nlohmann::json;

/// The body as an object; an empty one is an empty object. Answers and returns nothing otherwise.
std::optional<json> object_in_body(const call& one) {
  const auto body = one.asked.body();
  if (body.find_first_not_of(" \t\r\n") == std::string_view::npos) return json::object();
  // What is nested deeper than these documents are is not worth parsing.
  constexpr int depth_max = 8;
  bool deep = false;
  auto parsed = json::parse(
      body,
      [&deep](int depth, json::parse_event_t, json&) {
        deep = deep || depth > depth_max;
        return !deep;
      },
      false);
  if (!deep && parsed.is_object()) return parsed;
  answer_unreadable_body(one, "The body must be one JSON object.");
  return std::nullopt;
}

void answer_malformed(const call& one, std::string detail) {
  answer_problem(one.reply,
                 protocols::problem_of(protocols::failure::malformed, std::move(detail)));
}

/// The text of a member; answers and returns nothing when it is of another type.
std::optional<std::string> text_in(const call& one, const json& body, const char* name) {
  const auto found = body.find(name);
  if (found == body.end() || found->is_null()) return std::string{};
  // It is kept, and told again and again: in the journal, in lists, in events.
  constexpr std::size_t most = 2000;
  const auto* const text = found->get_ptr<const std::string*>();
  if (text != nullptr && text->size() <= most) return *text;
  answer_malformed(one, "\"" + std::string{name} + "\" must be a string"
                            + (text == nullptr ? "." : " of at most 2000 bytes."));
  return std::nullopt;
}

std::optional<bool> flag_in(const call& one, const json& body, const char* name, bool usual) {
  const auto found = body.find(name);
  if (found == body.end()) return usual;
  if (found->is_boolean()) return found->get<bool>();
  answer_malformed(one, "\"" + std::string{name} + "\" must be true or false.");
  return std::nullopt;
}

std::string hyphened(std::string name) {
  for (auto& c : name)
    if (c == '_') c = '-';
  return name;
}

void steer(const door_ptr& here, const call& one, steering word) {
  auto* const of = here->of;
  word.told = [reply = one.reply, of](int status, std::string refused, std::string text) {
    if (refused.empty()) return answer_json(reply, status, of->rollout());
    answer_problem(
        reply, protocols::problem_named("rollout-" + hyphened(std::move(refused)), status,
                                        status == 400 ? "Malformed" : "Not now", std::move(text)));
  };
  of->steer(std::move(word));
}

/// Servers that the node starts on a port that is written out: one pool only can have each.
std::string with_fixed_ports(const actors::catalog& names) {
  std::string result;
  constexpr std::size_t shown = 5;
  std::size_t count = 0;
  for (const auto& one : names.members) {
    const auto& worker = one.config.backend;
    if (one.gone || worker.kind != config::backend_kind::http || worker.command.empty()
        || worker.url.find(base::port_mark) != std::string::npos)
      continue;
    if (count++ < shown) result += (result.empty() ? "" : ", ") + one.config.name;
  }
  return count > shown ? result + " and " + std::to_string(count - shown) + " more" : result;
}

}  // namespace

void get_rollout(const door_ptr& here, call& one) {
  answer_json(one.reply, 200, here->of->rollout());
}

void steer_rollout(const door_ptr& here, call& one) {
  const auto body = object_in_body(one);
  if (!body) return;
  auto who = text_in(one, *body, "who");
  if (!who) return;
  auto reason = text_in(one, *body, "reason");
  if (!reason) return;
  const auto force = flag_in(one, *body, "force", false);
  if (!force) return;
  steering word;
  word.who = std::move(*who);
  word.reason = std::move(*reason);
  word.force = *force;
  auto path = one.asked.path();
  while (path.ends_with('/')) path.remove_suffix(1);
  const auto verb = path.substr(path.rfind('/') + 1);
  using what = steering::what;
  word.verb = verb == "start"     ? what::start
              : verb == "advance" ? what::advance
              : verb == "pause"   ? what::pause
              : verb == "resume"  ? what::resume
              : verb == "reset"   ? what::reset
                                  : what::abort;
  if (word.verb == what::start && !word.force) {
    if (const auto fixed = with_fixed_ports(here->cast()); !fixed.empty())
      return answer_problem(
          one.reply,
          protocols::problem_named(
              "rollout-fixed-port", 409, "Not now",
              "A rollout runs two instances of each server, and these have a port that is written "
              "out: "
                  + fixed + ". Write ${PORT} in their url and command (config/README.md)."));
  }
  steer(here, one, std::move(word));
}

void get_routing(const door_ptr& here, call& one) {
  const auto rules = here->of->inside().shared->routes.now();
  answer_json(one.reply, 200,
              base::json_object{{"mode", name_of(rules.routes)}, {"percentage", rules.percentage}});
}

void put_routing(const door_ptr& here, call& one) {
  const auto body = object_in_body(one);
  if (!body) return;
  const auto share = body->find("percentage");
  // Here already: whoever asks for what cannot be should not set the baseline going.
  if (share == body->end() || !share->is_number() || share->get<double>() < 0
      || share->get<double>() > 100)
    return answer_malformed(one, R"(Say {"percentage":25}: a number from 0 to 100.)");
  auto who = text_in(one, *body, "who");
  if (!who) return;
  steering word;
  word.verb = steering::what::route;
  word.percentage = share->get<double>();
  word.who = std::move(*who);
  steer(here, one, std::move(word));
}

void post_rollback(const door_ptr& here, call& one) {
  const auto body = object_in_body(one);
  if (!body) return;
  auto reason = text_in(one, *body, "reason");
  if (!reason) return;
  const auto mode = text_in(one, *body, "mode");
  if (!mode) return;
  const auto confirm = flag_in(one, *body, "confirm", true);
  if (!confirm) return;
  const auto cancel = flag_in(one, *body, "cancel", false);
  if (!cancel) return;
  steering word;
  if (*cancel) {
    word.verb = steering::what::cancel;
  } else if (body->contains("confirm") && *confirm && reason->empty()) {
    word.verb = steering::what::confirm;
  } else {
    if (reason->empty())
      return answer_malformed(one, R"(Say why: {"reason":"…","mode":"emergency"}.)");
    if (!mode->empty() && *mode != "emergency" && *mode != "planned")
      return answer_malformed(one, R"("mode" is "emergency" or "planned".)");
    word.verb = steering::what::roll_back;
    word.reason = *reason;
    word.planned = *mode == "planned";
    word.confirmed = *confirm;
  }
  auto* const of = here->of;
  word.told = [reply = one.reply, of](int status, std::string refused, std::string text) {
    if (refused.empty())
      return answer_json(reply, status, of->rollback("last").value_or("{}"),
                         "Location: /v1/rollbacks/" + text + "\r\n");
    answer_problem(
        reply, protocols::problem_named("rollback-" + refused, status, "Not now", std::move(text)));
  };
  of->steer(std::move(word));
}

void post_rollback_verify(const door_ptr& here, call& one) {
  steering word;
  word.verb = steering::what::verify;
  auto* const of = here->of;
  word.told = [reply = one.reply, of](int status, std::string refused, std::string text) {
    if (refused.empty()) return answer_json(reply, status, of->rollback("last").value_or("{}"));
    answer_problem(
        reply, protocols::problem_named("rollback-" + refused, status, "Not now", std::move(text)));
  };
  of->steer(std::move(word));
}

void post_verify(const door_ptr& here, call& one) {
  actors::check_deployment(
      *here->of, [reply = one.reply](const std::string& found) { answer_json(reply, 200, found); });
}

void list_rollbacks(const door_ptr& here, call& one) {
  answer_json(one.reply, 200, here->of->rollbacks());
}

void get_rollback(const door_ptr& here, call& one) {
  const auto found = here->of->rollback(one.captured.front());
  if (found) return answer_json(one.reply, 200, *found);
  answer_problem(one.reply, protocols::problem_named("no-such-rollback", 404, "Not found",
                                                     "There was no such rollback; "
                                                     "GET /v1/rollbacks lists them."));
}

namespace {

/// `last=15m`, or nothing where it is not asked for. Nothing at all, and answered, when it is no
/// duration.
std::optional<std::optional<std::chrono::milliseconds>> period_in(const call& one) {
  const auto text = one.parameter("last");
  if (!text || text->empty()) return std::optional<std::chrono::milliseconds>{};
  const auto read = base::parse_duration(*text);
  if (read && read->count() > 0) return std::optional{*read};
  answer_malformed(one, R"("last" is a duration such as 15m or 24h.)");
  return std::nullopt;
}

}  // namespace

void get_diagnosis(const door_ptr& here, call& one) {
  const auto last = period_in(one);
  if (!last) return;
  const auto found = here->of->diagnose(one.captured.front(), *last);
  if (found) return answer_json(one.reply, 200, *found);
  answer_problem(one.reply,
                 protocols::problem_named("no-such-diagnosis", 404, "Not found",
                                          "There are: memory, warming, errors, performance."));
}

void get_report(const door_ptr& here, call& one) {
  const auto format = one.parameter("format").value_or("json");
  const auto last = period_in(one);
  if (!last) return;
  const auto made = here->of->report(format, *last);
  if (!made) return answer_malformed(one, "format is md, html or json.");
  const auto* type = format == "md"     ? "text/markdown; charset=utf-8"
                     : format == "html" ? "text/html; charset=utf-8"
                                        : "application/json";
  one.reply.answer(200, type, *made);
}

}  // namespace greenroom::doors
