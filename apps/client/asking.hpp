// What the client verbs share: which node they ask, and how they say that it did not work.
#pragma once

#include "apps/client/http_client.hpp"
#include "apps/client/problem_line.hpp"
#include "apps/verbs/verb.hpp"

#include <nlohmann/json.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace greenroom::apps {

/// Options that every client verb has.
struct asking {
  std::string node = "http://127.0.0.1:7117";
  bool as_json = false;
  bool watch = false;  ///< Not once, but until the user has seen enough.
  double interval_s = 2;
};

/// Adds --node (GREENROOM_NODE) and --json.
void add_asking_options(CLI::App& verb, asking& how);
/// Adds --watch and --interval.
void add_watch_option(CLI::App& verb, asking& how);

/// Adds --last (and --period, the same): a duration such as 15m, checked.
void add_period_option(CLI::App& verb, std::string& last);

/// A node that answers. Each call either gives what was asked for or has said on stderr what went
/// wrong, and then `code` is what the program ends with.
class node_client {
public:
  explicit node_client(const asking& how);

  /// The body of a 2xx answer as JSON.
  std::optional<nlohmann::json> get(std::string_view target);
  /// The same for other methods. `body` null: none is sent.
  std::optional<nlohmann::json> call(std::string_view method, std::string_view target,
                                     const nlohmann::json& body = nullptr,
                                     std::chrono::milliseconds timeout = std::chrono::seconds{30});
  /// The same with texts, as they came: nothing in them is read and written again.
  std::optional<std::string> call_text(std::string_view method, std::string_view target,
                                       std::string body, std::chrono::milliseconds timeout);
  /// Any answer, whatever its status.
  std::optional<http_answer> raw(std::string_view method, std::string_view target,
                                 std::string body = {},
                                 std::chrono::milliseconds timeout = std::chrono::seconds{30});
  /// See http_client::stream.
  bool stream(std::string_view target, const std::function<bool(std::string_view)>& hear,
              std::chrono::milliseconds silence);

  /// Says on stderr why the node refused, in its own words.
  void say_refused(const http_answer& answer);

  [[nodiscard]] int code() const { return code_; }

private:
  void say_unreachable(const http_failure& why);
  void say_strange();

  bool as_json_ = false;
  std::optional<node_address> where_;
  std::string url_;
  std::optional<http_client> http_;
  int code_ = done;
};

/// Runs `once` (which returns an exit code), again and again when the user watches: on a terminal
/// each time over the last output. Ends with the first code that is not `done`, when nobody reads
/// the output any more, or by Ctrl-C.
int once_or_watch(const asking& how, const std::function<int()>& once);

/// Writes the document: laid out for people at a terminal, else in one line.
void print_json(const nlohmann::json& what);
/// The same for valid JSON text; in one line its members keep their order, its numbers their
/// digits.
void print_json_text(std::string_view text);

/// On a terminal without what the terminal would obey; elsewhere as it is, byte by byte.
std::string shown_text(std::string_view text);
/// JSON in one line.
std::string written(const nlohmann::json& what);

/// The member as text or number; the fallback when it is missing or of another type. Control
/// characters in the text are escaped, since it is shown to people.
std::string text_of(const nlohmann::json& from, const char* key, std::string fallback = {});
double number_of(const nlohmann::json& from, const char* key, double fallback = 0);
bool truth_of(const nlohmann::json& from, const char* key);

/// `2026-01-02 03:04:05` in the local time zone, from milliseconds since 1970.
std::string local_time(double unix_ms);

}  // namespace greenroom::apps
