// What the client verbs share: the node's address, and how failures are reported.
#pragma once

#include "apps/client/http_client.hpp"
#include "apps/client/problem_line.hpp"
#include "apps/client/verb.hpp"

#include <nlohmann/json.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace greenroom::apps {

/// Options of every client verb.
struct asking {
  std::string node = "http://127.0.0.1:7117";
  bool as_json = false;
  bool watch = false;  ///< Refresh until Ctrl-C.
  double interval_s = 2;
};

/// Adds --node (GREENROOM_NODE) and --json.
void add_asking_options(CLI::App& verb, asking& how);
/// Adds --watch and --interval.
void add_watch_option(CLI::App& verb, asking& how);

/// Adds --last (and --period, the same): a duration such as 15m, checked.
void add_period_option(CLI::App& verb, std::string& last);

/// Reads an option's duration above 0; prints the problem and returns nothing for any other text.
std::optional<std::chrono::milliseconds> read_duration(const std::string& text);
/// Prints that the text is not a duration.
void say_no_duration(const std::string& text);

/// A connection to a node. Each call returns the answer, or prints the failure to stderr and sets
/// `code()` to the program's exit code.
class node_client {
public:
  explicit node_client(const asking& how);

  /// The body of a 2xx answer as JSON.
  std::optional<nlohmann::json> get(std::string_view target);
  /// The same for other methods. A null `body` is not sent.
  std::optional<nlohmann::json> call(std::string_view method, std::string_view target,
                                     const nlohmann::json& body = nullptr,
                                     std::chrono::milliseconds timeout = std::chrono::seconds{30});
  /// The same with unparsed texts.
  std::optional<std::string> call_text(std::string_view method, std::string_view target,
                                       std::string body, std::chrono::milliseconds timeout);
  /// Any answer, whatever the status.
  std::optional<http_answer> raw(std::string_view method, std::string_view target,
                                 std::string body = {},
                                 std::chrono::milliseconds timeout = std::chrono::seconds{30});
  /// The names of all specialists; a node without any is a failure, too.
  std::optional<std::vector<std::string>> cast();
  /// See http_client::stream.
  bool stream(std::string_view target, const std::function<bool(std::string_view)>& on_piece,
              std::chrono::milliseconds silence);

  /// Prints the node's refusal to stderr, in the node's words.
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

/// Runs `once`, which returns an exit code; with `--watch` repeatedly, on a terminal each time over
/// the last output. Ends with the first code that is not `done`, when stdout is closed, or by
/// Ctrl-C.
int once_or_watch(const asking& how, const std::function<int()>& once);

/// Prints the document: indented on a terminal, else in one line.
void print_json(const nlohmann::json& what);
/// The same for valid JSON text. On one line, the order of members and the digits of numbers are
/// kept.
void print_json_text(std::string_view text);

/// On a terminal the text without control sequences; elsewhere unchanged.
std::string shown_text(std::string_view text);
/// JSON in one line.
std::string written(const nlohmann::json& what);

/// The member as text or number; the fallback when it is missing or of another type. Control
/// characters in the text are escaped.
std::string text_of(const nlohmann::json& from, const char* key, std::string fallback = {});
double number_of(const nlohmann::json& from, const char* key, double fallback = 0);
bool truth_of(const nlohmann::json& from, const char* key);

/// `2026-01-02 03:04:05` in the local time zone, from milliseconds since 1970.
std::string local_time(double unix_ms);

}  // namespace greenroom::apps
