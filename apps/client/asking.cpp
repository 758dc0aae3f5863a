#include "apps/client/asking.hpp"

#include "apps/client/terminal.hpp"
#include "protocols/base/duration.hpp"
#include "protocols/base/json_text.hpp"
#include "protocols/plain_text.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <thread>

namespace greenroom::apps {

using nlohmann::json;

namespace {

/// How often --watch checks whether stdout is still read.
constexpr std::chrono::milliseconds closed_pipe_check{200};

/// Valid JSON text without whitespace between tokens.
std::string without_space(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  bool quoted = false, escaped = false;
  for (const char c : text) {
    if (!quoted && (c == ' ' || c == '\t' || c == '\r' || c == '\n')) continue;
    if (!escaped && c == '"') quoted = !quoted;
    escaped = !escaped && c == '\\';
    result += c;
  }
  return result;
}

}  // namespace

void add_asking_options(CLI::App& verb, asking& how) {
  verb.add_option("--node", how.node, "The node to ask")
      ->type_name("http://ADDR:PORT")
      ->envname("GREENROOM_NODE")
      ->capture_default_str();
  verb.add_flag("--json", how.as_json, "Print JSON");
}

void add_watch_option(CLI::App& verb, asking& how) {
  verb.add_flag("--watch", how.watch, "Refresh until Ctrl-C");
  verb.add_option("--interval", how.interval_s, "Seconds between two refreshes with --watch")
      ->capture_default_str()
      ->check(within(0.1, 3600.0));
}

void add_period_option(CLI::App& verb, std::string& last) {
  verb.add_option("--last,--period", last, "Over this time until now, at most a day")
      ->type_name("15m")
      ->check([](const std::string& text) {
        const auto read = base::parse_duration(text);
        return read && read->count() > 0
                   ? std::string{}
                   : '"' + text + "\" is not a duration — write 500ms, 30s, 5m or 24h";
      });
}

void say_no_duration(const std::string& text) {
  say_problem("wrong-usage", '"' + text + "\" is not a duration — write 500ms, 30s or 5m");
}

std::optional<std::chrono::milliseconds> read_duration(const std::string& text) {
  const auto read = base::parse_duration(text);
  if (read && read->count() > 0) return *read;
  say_no_duration(text);
  return std::nullopt;
}

// An address without what may be a password in it.
static std::string without_user(std::string address) {
  const auto at = address.rfind('@');
  if (at == std::string::npos) return address;
  const auto scheme = address.find("://");
  const auto begin = scheme == std::string::npos || scheme > at ? 0 : scheme + 3;
  return address.replace(begin, at - begin, "...");
}

node_client::node_client(const asking& how)
    : as_json_{how.as_json}, where_{node_address::parse(how.node)} {
  if (!where_) {
    say_problem("wrong-usage", "\"" + without_user(how.node)
                                   + "\" is not an address of a node — write it as "
                                   + "http://127.0.0.1:7117");
    code_ = wrong_usage;
    return;
  }
  url_ = where_->url();
  http_.emplace(*where_);
}

void node_client::say_unreachable(const http_failure& why) {
  code_ = unreachable;
  say_problem("unreachable",
              "the node at " + url_ + " could not be reached (" + why.what + ") — "
                  + (why.timed_out && why.connected
                         ? "it runs but is slow; see greenroom status"
                         : "is it running? Start one with: greenroom serve --profile "
                           "production; or name another with --node or GREENROOM_NODE"));
}

void node_client::say_refused(const http_answer& answer) {
  code_ = failed;
  auto problem = json::parse(answer.body, nullptr, false);
  const std::string retry{answer.header("retry-after")};
  std::string line = text_of(problem, "detail", text_of(problem, "title"));
  if (line.empty()) line = answer.body.empty() ? "no explanation" : answer.body.substr(0, 400);
  if (as_json_) {
    // The node's problem document, unchanged.
    if (!problem.is_object())
      problem = {{"type", "about:blank"}, {"status", answer.status}, {"detail", line}};
    if (!retry.empty()) problem["retry_after"] = retry;
    std::fprintf(stderr, "%s\n",
                 problem.dump(-1, ' ', false, json::error_handler_t::replace).c_str());
    return;
  }
  line = protocols::plain_text(line);
  const auto type = text_of(problem, "type");
  std::fprintf(stderr, "greenroom: %s (%u%s%s)\n", line.c_str(), answer.status,
               type.empty() ? "" : ", ", type.c_str());
  if (!retry.empty()) std::fprintf(stderr, "greenroom: try again in %s s\n", retry.c_str());
}

void node_client::say_strange() {
  code_ = failed;
  say_problem("not-a-node", url_ + " answered something that is not JSON — is it a node?");
}

std::optional<http_answer> node_client::raw(std::string_view method, std::string_view target,
                                            std::string body, std::chrono::milliseconds timeout) {
  if (!http_) return std::nullopt;
  auto result = http_->ask(method, target, std::move(body), timeout);
  if (!result) {
    say_unreachable(result.error());
    return std::nullopt;
  }
  return *std::move(result);
}

std::optional<json> node_client::get(std::string_view target) { return call("GET", target); }

std::optional<json> node_client::call(std::string_view method, std::string_view target,
                                      const json& body, std::chrono::milliseconds timeout) {
  // Invalid UTF-8 from the command line is replaced; no name in the node contains it.
  auto text =
      body.is_null() ? std::string{} : body.dump(-1, ' ', false, json::error_handler_t::replace);
  const auto answer = call_text(method, target, std::move(text), timeout);
  if (!answer) return std::nullopt;
  if (answer->empty()) return json::object();
  auto parsed = json::parse(*answer, nullptr, false);
  if (!parsed.is_discarded()) return parsed;
  say_strange();
  return std::nullopt;
}

std::optional<std::string> node_client::call_text(std::string_view method, std::string_view target,
                                                  std::string body,
                                                  std::chrono::milliseconds timeout) {
  auto answer = raw(method, target, std::move(body), timeout);
  if (!answer) return std::nullopt;
  if (!answer->good()) {
    say_refused(*answer);
    return std::nullopt;
  }
  constexpr int depth_max = base::json_depth_max + 8;  // For the node's own wrapper.
  if (answer->body.empty() || base::is_json(answer->body, depth_max))
    return std::move(answer->body);
  say_strange();
  return std::nullopt;
}

std::optional<std::vector<std::string>> node_client::cast() {
  const auto listed = get("/v1/specialists");
  if (!listed) return std::nullopt;
  std::vector<std::string> names;
  for (const auto& one : listed->value("items", json::array()))
    names.push_back(text_of(one, "name"));
  if (!names.empty()) return names;
  code_ = failed;
  say_problem("no-specialists", "the node has no specialists — write some into its configuration");
  return std::nullopt;
}

bool node_client::stream(std::string_view target,
                         const std::function<bool(std::string_view)>& on_piece,
                         std::chrono::milliseconds silence) {
  if (!http_) return false;
  const auto answer = http_->stream(target, on_piece, silence);
  if (!answer) {
    say_unreachable(answer.error());
    return false;
  }
  if (!answer->good()) say_refused(*answer);
  return answer->good();
}

int once_or_watch(const asking& how, const std::function<int()>& once) {
  for (;;) {
    if (how.watch && is_terminal() && !how.as_json) std::fputs("\x1b[H\x1b[2J\x1b[3J", stdout);
    const int code = once();
    // `main` reports why the output cannot be written.
    if (!how.watch || code != done || !flush_output()) return code;
    const auto next = std::chrono::steady_clock::now()
                      + std::chrono::duration_cast<std::chrono::steady_clock::duration>(
                          std::chrono::duration<double>{how.interval_s});
    while (std::chrono::steady_clock::now() < next) {
      if (is_output_closed()) return done;
      std::this_thread::sleep_until(
          std::min(next, std::chrono::steady_clock::now() + closed_pipe_check));
    }
  }
}

void print_json(const json& what) {
  const auto text = what.dump(is_terminal() ? 2 : -1, ' ', false, json::error_handler_t::replace);
  std::printf("%s\n", shown_text(text).c_str());
}

void print_json_text(std::string_view text) {
  using ordered = nlohmann::ordered_json;  // Indented only if it can be parsed.
  const auto parsed =
      is_terminal() ? ordered::parse(text, nullptr, false) : ordered(ordered::value_t::discarded);
  const auto shown = parsed.is_discarded()
                         ? without_space(text)
                         : parsed.dump(2, ' ', false, ordered::error_handler_t::replace);
  std::printf("%s\n", shown_text(shown).c_str());
}

std::string shown_text(std::string_view text) {
  return is_terminal() ? protocols::plain_text(text, protocols::line_ends::keep)
                       : std::string{text};
}

std::string text_of(const json& from, const char* key, std::string fallback) {
  if (!from.is_object()) return fallback;
  const auto found = from.find(key);
  if (found == from.end() || found->is_null()) return fallback;
  return protocols::plain_text(found->is_string() ? found->get<std::string>() : written(*found));
}

std::string written(const json& what) {
  return what.dump(-1, ' ', false, json::error_handler_t::replace);
}

double number_of(const json& from, const char* key, double fallback) {
  if (!from.is_object()) return fallback;
  const auto found = from.find(key);
  return found != from.end() && found->is_number() ? found->get<double>() : fallback;
}

bool truth_of(const json& from, const char* key) {
  if (!from.is_object()) return false;
  const auto found = from.find(key);
  return found != from.end() && found->is_boolean() && found->get<bool>();
}

std::string local_time(double unix_ms) {
  const auto seconds = static_cast<std::time_t>(unix_ms / 1000);
  std::tm parts{};
  char text[32];
  if (localtime_r(&seconds, &parts) == nullptr
      || std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts) == 0)
    return "-";
  return text;
}

}  // namespace greenroom::apps
