// The shape of a configuration: which keys exist where. Overrides, merging and documentation are
// written against it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace greenroom::config {

struct schema {
  enum class kind : std::uint8_t {
    scalar,   ///< One value, or a list of texts: overridden as a whole.
    section,  ///< Fixed keys: `children`.
    named,    ///< A list of sections that each have a `name`; `children` are their keys.
    table,    ///< Keys of the operator's choosing; `children` are the keys of each value.
    texts,    ///< Keys of the operator's choosing, with a text each.
  };

  kind is = kind::scalar;
  std::string key;
  std::string type;
  std::string fallback;  ///< The default as it is written; empty when there is none.
  std::string meaning;
  std::vector<schema> children;

  const schema* find(std::string_view child) const;
};

/// The whole configuration, with the keys that compose files: extends, only, drop, cast_size,
/// defaults.
const schema& whole_schema();

}  // namespace greenroom::config
