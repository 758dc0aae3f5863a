// The schema of a configuration: its keys. Overrides, merging and documentation use the schema.
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
    table,    ///< Keys that the operator chooses; `children` are the keys of each value.
    texts,    ///< Keys that the operator chooses, each with a text.
  };

  kind is = kind::scalar;
  std::string key;
  std::string type;
  std::string fallback;  ///< The default as in YAML; empty when there is none.
  std::string meaning;
  std::vector<schema> children;

  const schema* find(std::string_view child) const;
};

/// The whole configuration, with the keys for composition: extends, only, drop, cast_size,
/// defaults.
const schema& whole_schema();

/// One key of the configuration, for documentation. For lists and maps of named components the path
/// has the placeholder `NAME`.
struct key_description {
  std::string path;
  std::string type;
  std::string fallback;  ///< The default as in YAML; empty for required keys.
  std::string meaning;
};
std::vector<key_description> describe_keys();

}  // namespace greenroom::config
