// The whole configuration of one node: a plain struct, defaults included.
#pragma once

#include "config/access.hpp"
#include "config/department.hpp"
#include "config/journal.hpp"
#include "config/pool.hpp"
#include "config/queue.hpp"
#include "config/resilience.hpp"
#include "config/rollout.hpp"
#include "config/workflow.hpp"
#include "protocols/base/expected.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace greenroom::config {

/// CAF's scheduler. 0 threads: chosen for the machine.
struct scheduler {
  std::size_t threads = 0;
  std::size_t max_throughput = 50;  ///< Messages an actor handles before the next actor's turn.

  friend bool operator==(const scheduler&, const scheduler&) = default;
};

enum class log_level : std::uint8_t { trace, debug, info, warn, error, off };

constexpr std::string_view to_string(log_level level) {
  constexpr std::string_view names[] = {"trace", "debug", "info", "warn", "error", "off"};
  const auto at = static_cast<std::size_t>(level);
  return at < std::size(names) ? names[at] : std::string_view{};
}

enum class log_format : std::uint8_t { text, json };

constexpr std::string_view to_string(log_format format) {
  constexpr std::string_view names[] = {"text", "json"};
  const auto at = static_cast<std::size_t>(format);
  return at < std::size(names) ? names[at] : std::string_view{};
}

struct log {
  log_level level = log_level::info;
  log_format format = log_format::text;

  friend bool operator==(const log&, const log&) = default;
};

struct cost {
  double usd_per_mb_month = 0.50;

  friend bool operator==(const cost&, const cost&) = default;
};

struct alerts {
  std::vector<std::string> webhooks;  ///< URLs that get each alert as JSON.

  friend bool operator==(const alerts&, const alerts&) = default;
};

struct node {
  std::string profile;                    ///< The profile's name, for people; may be empty.
  std::string listen = "127.0.0.1:7117";  ///< ADDR:PORT; port 0 picks a free one.
  std::string data_dir = "./greenroom-data";
  std::chrono::milliseconds shutdown_grace{30'000};
  std::chrono::milliseconds health_interval{15'000};
  std::size_t io_threads = 1;
  config::scheduler scheduler;
  config::pool pool;
  config::prediction prediction;
  config::queue queue;
  config::limits limits;
  config::access access;
  config::journal journal;
  config::retry retry;
  config::breaker breaker;
  config::supervision supervision;
  config::rollout rollout;
  config::rollback rollback;
  config::alerts alerts;
  config::log log;
  config::cost cost;
  std::map<std::string, route> commands;
  std::vector<department> departments;
  std::vector<workflow> workflows;

  friend bool operator==(const node&, const node&) = default;
};

/// Returns the number of specialists in the cast.
std::size_t count_specialists(const node& whole);

/// Finds a specialist by name or alias; nullptr when there is none.
const specialist* find_specialist(const node& whole, std::string_view name);

/// Finds a department by name; nullptr when there is none.
const department* find_department(const node& whole, std::string_view name);

/// Returns the target of a command. `bumba:implement` and `/bumba:implement` mean `implement`.
std::optional<route> resolve_command(const node& whole, std::string_view word);

/// True if a name is valid in a path, a URL and a metric's label.
bool is_name(std::string_view text);

/// The listening address, split.
struct endpoint {
  std::string address;
  std::uint16_t port = 0;
};
/// Splits `ADDR:PORT`. ADDR is localhost or an address of this machine, IPv6 in brackets: a name
/// may have many addresses, also elsewhere.
base::expected<endpoint> parse_endpoint(std::string_view text);

}  // namespace greenroom::config
