// Reads recorded traffic: CSV, plain or gzip, with the header
// `timestamp_s,specialist[,duration_ms][,case]` (columns in any order, each once; other columns are
// ignored).
#pragma once

#include <string>
#include <variant>

#include "runtime/simulation/trace.hpp"

namespace greenroom::machine {

/// An error in a file, as `path:line: what — what to do`.
struct trace_error {
  std::string what;
};

/// `by_time` sorts requests and keeps the file's order among equal times; `in_file_order` keeps the
/// file's order, for next-step prediction over cases. Fields may be quoted. The case is hashed
/// (FNV-1a, never 0), so that a name gives the same session in every run.
enum class trace_order { by_time, in_file_order };
std::variant<runtime::trace, trace_error> read_trace(const std::string& path,
                                                     trace_order order = trace_order::by_time);

}  // namespace greenroom::machine
