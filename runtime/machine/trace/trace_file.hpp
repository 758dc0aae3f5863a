// Reads recorded traffic: CSV, plain or gzip, with the header
// `timestamp_s,specialist[,duration_ms][,case]` (columns in any order, each once, others
// ignored).
#pragma once

#include <string>
#include <variant>

#include "runtime/simulation/trace.hpp"

namespace greenroom::machine {

/// What is wrong with a file, as `path:line: what — what to do`.
struct trace_error {
  std::string what;
};

/// Requests are sorted by time, keeping the file's order among equals; `in_file_order` keeps the
/// file's order, which next-step prediction over cases wants. Fields may be quoted. The case is
/// hashed (FNV-1a, never 0), so that equal names are equal sessions in any run.
enum class trace_order { by_time, in_file_order };
std::variant<runtime::trace, trace_error> read_trace(const std::string& path,
                                                     trace_order order = trace_order::by_time);

}  // namespace greenroom::machine
