// Names, ids and HTTP statuses of tasks as text.
#include "protocols/task.hpp"

#include "protocols/base/hex.hpp"
#include "protocols/base/number.hpp"

namespace greenroom::protocols {

namespace {

constexpr std::size_t half = 16;  // Digits of one 64-bit half of an id.

constexpr std::array<std::string_view, priority_count> priority_names{"low", "normal", "high"};
constexpr std::array<std::string_view, 6> state_names{"queued", "running",   "completed",
                                                      "failed", "cancelled", "unknown"};
// In the order of the enumeration; also the last part of a problem document's type.
constexpr std::array<std::string_view, 16> failure_names{"none",
                                                         "malformed",
                                                         "no-such-specialist",
                                                         "key-conflict",
                                                         "too-large",
                                                         "refused",
                                                         "queue-full",
                                                         "circuit-open",
                                                         "draining",
                                                         "deadline-unreachable",
                                                         "journal-unavailable",
                                                         "worker-failed",
                                                         "start-failed",
                                                         "out-of-time",
                                                         "cancelled",
                                                         "unknown-end"};

template <class Names, class Value>
std::string_view name_of(const Names& names, Value value) {
  const auto index = static_cast<std::size_t>(value);
  // A file of a newer version may contain a number without a name here.
  return index < names.size() ? names[index] : std::string_view{"unknown"};
}

template <class Value, class Names>
base::expected<Value> value_named(const Names& names, std::string_view text,
                                  std::string_view kind) {
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] == text) return static_cast<Value>(i);
  }
  return base::problem{"name", "is no " + std::string{kind}};
}

}  // namespace

void append(std::string& to, const task_id& id) {
  base::append_hex(to, id.epoch);
  base::append_hex(to, id.number);
}

std::string to_string(const task_id& id) {
  std::string result;
  result.reserve(2 * half);
  append(result, id);
  return result;
}

base::expected<task_id> parse_task_id(std::string_view text) {
  const base::problem none{"task-id", "is not 32 hexadecimal digits"};
  if (text.size() != 2 * half) return none;
  const auto epoch = base::parse_number<std::uint64_t>(text.substr(0, half), 16);
  const auto number = base::parse_number<std::uint64_t>(text.substr(half), 16);
  if (!epoch || !number) return none;
  return task_id{*epoch, *number};
}

std::string_view to_string(task_state value) { return name_of(state_names, value); }
std::string_view to_string(failure value) { return name_of(failure_names, value); }

base::expected<priority> parse_priority(std::string_view text) {
  return value_named<priority>(priority_names, text, "priority");
}

base::expected<task_state> parse_task_state(std::string_view text) {
  return value_named<task_state>(state_names, text, "state of a task");
}

int http_status(failure value) {
  switch (value) {
    case failure::none: return 200;
    case failure::malformed: return 400;
    case failure::no_such_specialist: return 404;
    case failure::key_conflict: return 409;
    case failure::too_large: return 413;
    case failure::refused: return 422;
    case failure::queue_full:
    case failure::circuit_open:
    case failure::draining:
    case failure::deadline_unreachable:
    case failure::journal_unavailable: return 503;
    case failure::worker_failed:
    case failure::start_failed:
    case failure::unknown_end: return 502;
    case failure::out_of_time: return 504;
    // No registered status fits; proxies log 499 for a client that hung up.
    case failure::cancelled: return 499;
  }
  return 500;
}

}  // namespace greenroom::protocols
