#include "apps/verbs/logging.hpp"
#include "actors/state/event_log.hpp"

#include "actors/node/node.hpp"
#include "protocols/plain_text.hpp"

#include <spdlog/async.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>
#include <nlohmann/json.hpp>

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <climits>
#include <limits>
#include <memory>
#include <mutex>
#include <string>

namespace greenroom::apps {
namespace {

using nlohmann::json;

/// Bound of the queue of unwritten lines (32 MiB); beyond it the oldest are dropped.
constexpr std::size_t waiting_lines = 8192;
constexpr std::size_t line_bytes_max = 4096;

std::atomic<bool> as_json{false};

spdlog::level::level_enum level_of(config::log_level level) {
  switch (level) {
    case config::log_level::trace: return spdlog::level::trace;
    case config::log_level::debug: return spdlog::level::debug;
    case config::log_level::info: return spdlog::level::info;
    case config::log_level::warn: return spdlog::level::warn;
    case config::log_level::error: return spdlog::level::err;
    case config::log_level::off: return spdlog::level::off;
  }
  return spdlog::level::info;
}

std::string dump(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

/// The JSON members of a line. Greenroom's lines are JSON objects already; lines that libraries
/// give to spdlog become a `message`.
class json_body final : public spdlog::custom_flag_formatter {
public:
  void format(const spdlog::details::log_msg& message, const std::tm&,
              spdlog::memory_buf_t& out) override {
    const std::string_view text{message.payload.data(), message.payload.size()};
    if (text.size() > 2 && text.front() == '{' && text.back() == '}') {
      out.append(text.data() + 1, text.data() + text.size() - 1);
      return;
    }
    const auto body = "\"message\":" + dump(json(text));
    out.append(body.data(), body.data() + body.size());
  }
  [[nodiscard]] std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<json_body>();
  }
};

std::int64_t steady_ms() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

/// Set when the log is closed: the sink stops writing at that time even if stderr is not read.
std::atomic<std::int64_t> closed_at_ms{std::numeric_limits<std::int64_t>::max()};
constexpr std::int64_t closing_ms = 2000;

/// Writes to stderr. If the reader has stopped (a pager, a paused terminal), lines wait in the
/// queue, and the node can still end.
class standard_error final : public spdlog::sinks::base_sink<std::mutex> {
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t formatted;
    formatter_->format(message, formatted);
    std::string_view line{formatted.data(), formatted.size()};
    // One message is one line, without control sequences, whatever its source.
    std::string plain;
    while (line.ends_with('\n')) line.remove_suffix(1);
    if (protocols::is_plain_text(line)) {
      line = {formatted.data(), line.size() + 1};
    } else {
      plain = protocols::plain_text(line) + '\n';
      line = plain;
    }
    const char* at = line.data();
    auto left = line.size();
    while (left > 0) {
      if (!may_write()) return;
      // A pipe that poll reports as writable has room for PIPE_BUF bytes.
      const auto count = ::write(STDERR_FILENO, at, std::min<std::size_t>(left, PIPE_BUF));
      if (count < 0 && errno != EINTR && errno != EAGAIN) return;
      if (count <= 0) continue;
      at += count;
      left -= static_cast<std::size_t>(count);
    }
  }
  void flush_() override {}

  static bool may_write() {
    constexpr std::int64_t look_ms = 100;
    for (;;) {
      pollfd where{STDERR_FILENO, POLLOUT, 0};
      const auto rest = std::clamp<std::int64_t>(closed_at_ms - steady_ms(), 0, look_ms);
      if (::poll(&where, 1, static_cast<int>(rest)) > 0) return true;
      if (rest == 0) return false;
    }
  }
};

bool needs_quotes(const std::string& text) {
  return text.empty() || text.find_first_of(" \"=\n\t") != std::string::npos;
}

std::string as_text(std::string_view kind, const json& fields) {
  std::string line{kind};
  for (const auto& [key, value] : fields.items()) {
    line += ' ' + key + '=';
    if (value.is_string() && !needs_quotes(value.get_ref<const std::string&>()))
      line += value.get_ref<const std::string&>();
    else
      line += dump(value);
  }
  return line;
}

void write(spdlog::level::level_enum level, std::string_view kind, std::string_view fields) {
  auto* logger = spdlog::default_logger_raw();
  if (logger == nullptr || !logger->should_log(level)) return;
  std::string shorter;
  if (fields.size() > line_bytes_max) {
    shorter = actors::shortened_event(fields, line_bytes_max);
    fields = shorter;
  }
  auto parsed = json::parse(fields, nullptr, false);
  if (!parsed.is_object()) parsed = json{{"detail", std::string{fields}}};
  if (as_json.load(std::memory_order_relaxed)) {
    json whole = {{"kind", std::string{kind}}};
    whole.update(parsed);
    logger->log(level, spdlog::string_view_t{dump(whole)});
  } else {
    logger->log(level, spdlog::string_view_t{as_text(kind, parsed)});
  }
}

std::unique_ptr<spdlog::formatter> formatter_of(const config::log& how) {
  if (how.format != config::log_format::json)
    return std::make_unique<spdlog::pattern_formatter>("%Y-%m-%dT%H:%M:%S.%eZ %l %v",
                                                       spdlog::pattern_time_type::utc);
  auto formatter = std::make_unique<spdlog::pattern_formatter>(spdlog::pattern_time_type::utc);
  formatter->add_flag<json_body>('*').set_pattern(
      R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%*})");
  return formatter;
}

}  // namespace

void adjust_log(const config::log& how) {
  auto* logger = spdlog::default_logger_raw();
  if (logger == nullptr) return;
  logger->set_level(level_of(how.level));
  const bool json_now = how.format == config::log_format::json;
  if (as_json.exchange(json_now) == json_now) return;
  // Set on the sink: spdlog locks a sink while changing its formatter, but not a logger.
  for (const auto& sink : logger->sinks()) sink->set_formatter(formatter_of(how));
}

void open_log(const config::log& how) {
  if (!spdlog::thread_pool()) spdlog::init_thread_pool(waiting_lines, 1);
  auto sink = std::make_shared<standard_error>();
  auto logger =
      std::make_shared<spdlog::async_logger>("greenroom", std::move(sink), spdlog::thread_pool(),
                                             spdlog::async_overflow_policy::overrun_oldest);
  as_json = how.format == config::log_format::json;
  logger->set_formatter(formatter_of(how));
  logger->set_level(level_of(how.level));
  logger->flush_on(spdlog::level::warn);
  spdlog::set_default_logger(std::move(logger));
  spdlog::flush_every(std::chrono::seconds{1});
}

void log_event(const event& what) {
  const std::string_view kind = what.kind;
  auto level = spdlog::level::info;
  if (kind.starts_with("task."))
    level = spdlog::level::debug;
  else if (kind.ends_with(".failed") || kind.ends_with(".lost") || kind.ends_with(".open")
           || kind.ends_with(".error") || kind.ends_with(".damaged") || kind.ends_with(".unwritten")
           || kind == "prediction.off")
    level = spdlog::level::warn;
  write(level, kind, what.json);
}

void log_line(config::log_level level, std::string_view kind, std::string_view fields) {
  write(level_of(level), kind, fields);
}

void close_log() {
  closed_at_ms = steady_ms() + closing_ms;
  spdlog::shutdown();
}

}  // namespace greenroom::apps
