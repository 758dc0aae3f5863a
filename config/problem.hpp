// One error in an operator's file.
#pragma once

#include <cstddef>
#include <string>

namespace greenroom::config {

/// An error and its position.
struct problem {
  std::string source;    ///< A file, `--set KEY` or `environment VARIABLE`.
  std::size_t line = 0;  ///< From 1; 0 where the source has no lines.
  std::size_t column = 0;
  std::string key;         ///< The whole path of the key, `pool.max_warm`; may be empty.
  std::string message;     ///< Without a full stop.
  std::string suggestion;  ///< The nearest valid key, name or value; may be empty.

  friend bool operator==(const problem&, const problem&) = default;
};

/// `FILE:LINE:COLUMN: pool.max_wram: unknown key; did you mean "max_warm"?`
std::string to_string(const problem& what);

}  // namespace greenroom::config
