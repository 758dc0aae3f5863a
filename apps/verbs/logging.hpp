// The log of a running node: asynchronous, to stderr, one line per change of state.
#pragma once

#include "config/node.hpp"

#include <string_view>

namespace greenroom {
struct event;
}

namespace greenroom::apps {

/// Makes spdlog's default logger write to stderr from a thread of its own. When the reader of
/// stderr is slow, the oldest waiting lines are dropped, so that the node never waits.
/// Text: `2026-01-02T03:04:05.678Z info specialist.warm specialist=api-architect start_ms=21`.
/// JSON: `{"time":"…","level":"info","kind":"specialist.warm","specialist":"api-architect",…}`.
void open_log(const config::log& how);

/// Changes level and format of the open log.
void adjust_log(const config::log& how);

/// Logs an event. Ends of single tasks are `debug`, failures `warn`, the rest `info`.
void log_event(const event& what);

/// Writes one line that is not an event: `fields` is a JSON object.
void log_line(config::log_level level, std::string_view kind, std::string_view fields = "{}");

/// Flushes the log and stops its thread. Lines that are not written within 2 s are lost.
void close_log();

}  // namespace greenroom::apps
