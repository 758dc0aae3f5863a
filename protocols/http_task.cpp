#include "protocols/http_task.hpp"

#include "protocols/base/edit_distance.hpp"
#include "protocols/base/json_text.hpp"
#include "protocols/base/number.hpp"
#include "protocols/base/time_text.hpp"
#include "protocols/task.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <ctime>

namespace greenroom::protocols {

namespace {

enum class field : std::uint8_t {
  specialist,
  department,
  command,
  input,
  urgency,
  timeout_ms,
  mode,
  durable,
  idempotency_key,
  session,
};
constexpr std::array<std::string_view, 10> field_names{
    "specialist", "department", "command", "input",           "priority",
    "timeout_ms", "mode",       "durable", "idempotency_key", "case"};

/// Keys and sessions are kept in the journal and in tables, so their length is limited.
constexpr std::size_t name_bytes_max = 256;
/// A year: a longer timeout is a mistake, and the sum with any clock stays in range.
constexpr std::int64_t timeout_ms_max = 365LL * 24 * 3600 * 1000;

std::string quoted(std::string_view text) {
  constexpr std::size_t shown = 64;
  auto result = "\"" + std::string{text.substr(0, shown)};
  if (text.size() > shown) result += "…";
  return result + "\"";
}

/// Reads the members one by one; stops at the first error.
class body_reader {
public:
  body_reader(std::string_view body, int depth_max)
      : body_{body}, scan_{body, nobody_}, depth_max_{depth_max} {}

  base::expected<http_task, bad_body> read() {
    scan_.skip_space();
    if (scan_.at_end()) return bad_body{"The body is empty; send a JSON object", 0};
    if (!scan_.take('{')) return fault("The body must be a JSON object");
    scan_.skip_space();
    if (!scan_.take('}')) {
      do {
        if (!member()) return std::move(fault_);
        scan_.skip_space();
      } while (scan_.take(','));
      if (!scan_.take('}')) return fault("Expected a comma or the end of the object");
    }
    scan_.skip_space();
    if (!scan_.at_end()) return fault("Expected nothing after the object");
    auto& request = result_.request;
    request.durable = request.durable || result_.async || !request.idempotency_key.empty();
    return std::move(result_);
  }

private:
  std::size_t here() const { return static_cast<std::size_t>(scan_.position() - body_.data()); }

  bad_body fault(std::string_view what) { return fault_at(what, here()); }
  bad_body fault_at(std::string_view what, std::size_t offset) {
    return {std::string{what} + " at " + place_in(body_, offset) + ".", offset};
  }
  bool wrong(std::string_view what) {
    fault_ = fault(what);
    return false;
  }
  bool wrong_at(std::string_view what, std::size_t offset) {
    fault_ = fault_at(what, offset);
    return false;
  }

  bool member() {
    scan_.skip_space();
    const auto key_at = here();
    std::string_view raw;
    if (scan_.at_end()) return wrong("The body ends too early");
    if (!scan_.raw_string(raw)) return wrong("Expected the name of a field");
    const auto key = base::unescape(raw, room_);
    const auto known = std::find(field_names.begin(), field_names.end(), key);
    if (known == field_names.end()) {
      auto what = "Unknown field " + quoted(key);
      if (const auto meant = base::nearest_of(key, field_names); !meant.empty())
        what += " (did you mean \"" + std::string{meant} + "\"?)";
      return wrong_at(what, key_at);
    }
    const auto which = static_cast<std::size_t>(known - field_names.begin());
    const auto bit = 1U << which;
    if ((seen_ & bit) != 0)
      return wrong_at("The field " + quoted(*known) + " is there twice,", key_at);
    seen_ |= bit;
    scan_.skip_space();
    if (!scan_.take(':')) return wrong("Expected a colon after " + quoted(*known));
    scan_.skip_space();
    const auto value_at = here();
    const char* const begin = scan_.position();
    // The object itself is the first level.
    if (!scan_.value(depth_max_ - 1)) return broken_value(*known, value_at);
    const std::string_view value{begin, static_cast<std::size_t>(scan_.position() - begin)};
    return take(static_cast<field>(which), value, value_at);
  }

  bool broken_value(std::string_view name, std::size_t value_at) {
    const auto at = here();
    const auto text = body_.substr(value_at, at - value_at);
    if (scan_.at_end()) return wrong("The body ends within the value of " + quoted(name));
    // The scanner stops before the bracket that would nest too deep.
    if ((body_[at] == '{' || body_[at] == '[') && deeper_than_allowed(text))
      return wrong("The value of " + quoted(name) + " is nested deeper than "
                   + std::to_string(depth_max_) + " levels");
    return wrong("The value of " + quoted(name) + " is not valid JSON");
  }

  /// True if the nesting after `text`, the valid beginning of a value, is at the limit.
  bool deeper_than_allowed(std::string_view text) const {
    auto open = 1;
    auto in_string = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
      const auto letter = text[i];
      if (in_string) {
        if (letter == '\\') ++i;
        if (letter == '"') in_string = false;
      } else if (letter == '"') {
        in_string = true;
      } else if (letter == '{' || letter == '[') {
        ++open;
      } else if (letter == '}' || letter == ']') {
        --open;
      }
    }
    return open >= depth_max_;
  }

  bool take(field which, std::string_view value, std::size_t at) {
    switch (which) {
      case field::input: return take_input(value, at);
      case field::specialist: return name(result_.request.specialist, which, value, at);
      case field::department: return name(result_.request.department, which, value, at);
      case field::command: return name(result_.request.command, which, value, at);
      case field::idempotency_key: return name(result_.request.idempotency_key, which, value, at);
      case field::session: return name(result_.request.case_id, which, value, at);
      case field::durable: {
        if (value == "null") return true;
        if (value != "true" && value != "false")
          return wrong_at("\"durable\" must be true or false", at);
        result_.request.durable = value == "true";
        return true;
      }
      case field::timeout_ms: {
        if (value == "null") return true;
        const auto number = base::parse_number<std::int64_t>(value);
        if (!number || *number < 1 || *number > timeout_ms_max)
          return wrong_at("\"timeout_ms\" must be a whole number of milliseconds from 1 to "
                              + std::to_string(timeout_ms_max),
                          at);
        result_.request.timeout = std::chrono::milliseconds{*number};
        return true;
      }
      case field::urgency: {
        if (value == "null") return true;
        if (const auto text = base::decode_string(value, room_)) {
          if (const auto urgency = parse_priority(*text)) {
            result_.request.urgency = *urgency;
            return true;
          }
          // The configuration's name for this priority.
          if (*text == "medium") {
            result_.request.urgency = priority::normal;
            return true;
          }
        }
        return wrong_at(R"("priority" must be "high", "normal" or "low")", at);
      }
      case field::mode: {
        if (value == "null") return true;
        const auto text = base::decode_string(value, room_);
        if (text && (*text == "sync" || *text == "async")) {
          result_.async = *text == "async";
          return true;
        }
        return wrong_at(R"("mode" must be "sync" or "async")", at);
      }
    }
    return true;
  }

  /// Refuses an input that a typical worker's JSON parser would misread.
  bool take_input(std::string_view value, std::size_t at) {
    const auto too_large = base::number_beyond_double(value);
    if (!too_large.empty())
      return wrong_at(
          "The number " + quoted(too_large)
              + " in the input is beyond what a double holds (1.8e308); send it as text",
          at + static_cast<std::size_t>(too_large.data() - value.data()));
    result_.request.input.assign(value);
    if (scan_.has_halves()) base::mend_halves(result_.request.input);
    return true;
  }

  bool name(std::string& to, field which, std::string_view value, std::size_t at) {
    const auto called = quoted(field_names[static_cast<std::size_t>(which)]);
    if (value == "null") return true;
    const auto text = base::decode_string(value, room_);
    if (!text) return wrong_at(called + " must be a string", at);
    if (text->empty()) return wrong_at(called + " must not be empty", at);
    if (text->size() > name_bytes_max)
      return wrong_at(called + " is longer than " + std::to_string(name_bytes_max) + " bytes", at);
    to.assign(*text);
    return true;
  }

  std::string_view body_;
  base::json_deaf nobody_;
  base::json_scanner<base::json_deaf> scan_;
  int depth_max_;
  unsigned seen_ = 0;
  std::string room_;
  http_task result_;
  bad_body fault_;
};

void append_number(std::string& to, std::uint64_t value) {
  std::array<char, 24> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  to.append(digits.data(), end);
}

/// Names come from the configuration and rarely need an escape.
void append_name(std::string& to, std::string_view name) {
  if (!base::append_json_string(to, name)) to += base::json_string(name);
}

}  // namespace

base::expected<http_task, bad_body> parse_http_task(std::string_view body, int depth_max) {
  return body_reader{body, depth_max}.read();
}

base::expected<std::string> idempotency_key_in(std::string_view field) {
  const base::problem wrong{"bad-key",
                            "is 1 to 256 letters of printable ASCII, with or without quotation "
                            "marks around them"};
  const auto first = field.find_first_not_of(" \t");
  if (first == std::string_view::npos) return wrong;
  field = field.substr(first, field.find_last_not_of(" \t") - first + 1);
  std::string key;
  if (field.front() != '"') {
    key = field;
  } else {
    // A string of RFC 8941, section 3.3.3.
    field.remove_prefix(1);
    while (!field.empty() && field.front() != '"') {
      if (field.front() == '\\') {
        field.remove_prefix(1);
        if (field.empty() || (field.front() != '"' && field.front() != '\\')) return wrong;
      }
      key += field.front();
      field.remove_prefix(1);
    }
    if (field != "\"") return wrong;
  }
  const auto printable = std::ranges::all_of(key, [](char c) { return c >= ' ' && c <= '~'; });
  if (key.empty() || key.size() > name_bytes_max || !printable) return wrong;
  return key;
}

std::string place_in(std::string_view text, std::size_t offset) {
  const auto before = text.substr(0, offset);
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const auto last = before.rfind('\n');
  const auto column = last == std::string_view::npos ? offset + 1 : offset - last;
  return "line " + std::to_string(line) + ", column " + std::to_string(column);
}

void append_ms(std::string& to, double ms) {
  // NaN and negative values count as 0.
  if (!(ms > 0)) {
    to += '0';
    return;
  }
  constexpr double most = 1e15;
  const auto micros = static_cast<std::uint64_t>(std::llround(std::min(ms, most) * 1000.0));
  append_number(to, micros / 1000);
  const auto rest = micros % 1000;
  if (rest == 0) return;
  to += '.';
  to += static_cast<char>('0' + rest / 100);
  if (rest % 100 == 0) return;
  to += static_cast<char>('0' + rest / 10 % 10);
  if (rest % 10 != 0) to += static_cast<char>('0' + rest % 10);
}

void append_json(std::string& to, const task_view& task, std::string_view output) {
  to += R"({"id":")";
  append(to, task.id);
  to += R"(","state":")";
  to += to_string(task.state);
  to += R"(","specialist":)";
  append_name(to, task.specialist);
  to += R"(,"department":)";
  append_name(to, task.department);
  to += R"(,"priority":")";
  to += to_string(task.urgency);
  to += '"';
  if (task.state == task_state::completed && task.output_left_out) {
    to += R"(,"output_left_out":true,"output_bytes":)";
    append_number(to, task.output_bytes);
  } else if (task.state == task_state::completed) {
    to += R"(,"output":)";
    to += output.empty() ? std::string_view{"null"} : output;
  } else if (task.why != failure::none) {
    to += R"(,"error":{"type":"urn:greenroom:)";
    to += to_string(task.why);
    to += R"(","message":)";
    if (!base::append_json_string(to, output)) to += base::json_string(output);
    to += '}';
  }
  to += R"(,"cold_start":)";
  to += task.cold_start ? "true" : "false";
  to += R"(,"attempts":)";
  append_number(to, task.attempts);
  to += R"(,"served_by":")";
  to += to_string(task.served_by);
  to += R"(","timings":{"queue_ms":)";
  append_ms(to, task.queue_ms);
  to += R"(,"start_ms":)";
  append_ms(to, task.start_ms);
  to += R"(,"run_ms":)";
  append_ms(to, task.run_ms);
  to += R"(,"total_ms":)";
  append_ms(to, task.total_ms);
  to += '}';
  if (task.unwritten) to += R"(,"durable":false)";
  if (task.accepted_unix_ms > 0) {
    to += R"(,"accepted_at":")";
    to += base::rfc3339(task.accepted_unix_ms);
    to += '"';
  }
  if (task.ended_unix_ms > 0) {
    to += R"(,"ended_at":")";
    to += base::rfc3339(task.ended_unix_ms);
    to += '"';
  }
  to += '}';
}

void append_timing_headers(std::string& to, const task_view& task) {
  to += "Server-Timing: queue;dur=";
  append_ms(to, task.queue_ms);
  to += ", start;dur=";
  append_ms(to, task.start_ms);
  to += ", run;dur=";
  append_ms(to, task.run_ms);
  to += task.cold_start ? "\r\nX-Greenroom-Cold-Start: true\r\n"
                        : "\r\nX-Greenroom-Cold-Start: false\r\n";
}

}  // namespace greenroom::protocols
