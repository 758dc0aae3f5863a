// The names under which clients see the tools and prompts of all servers together.
#pragma once

#include "protocols/base/text_hash.hpp"

#include <compare>
#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace greenroom::runtime::mcp {

/// Clients put their own prefix in front of a name that may have 64 letters in all; some refuse
/// longer ones.
inline constexpr std::size_t outside_name_max = 64;

/// What a name means.
struct own_name {
  std::string server;
  std::string name;  ///< As the server calls it.

  friend auto operator<=>(const own_name&, const own_name&) = default;
};

/// A name to be seen from outside.
struct name_source {
  own_name own;
  std::string prefix;  ///< In front of `__`; empty: the name stands alone.
};

/// A table, because a name that was shortened cannot be taken apart. A name is `prefix__name` when
/// that has at most 64 of `A-Za-z0-9_-` and no other source leads to it. Else its end is a hash of
/// the source alone: it depends neither on the order of sources nor on how many there are. Only
/// whether two clash depends on who is there.
class outside_names {
public:
  outside_names() = default;
  explicit outside_names(const std::vector<name_source>& sources);

  /// Nothing: no source has this name.
  [[nodiscard]] const own_name* find(std::string_view outside) const;
  /// Empty: not a source.
  [[nodiscard]] std::string_view outside_of(const own_name& own) const;
  [[nodiscard]] std::size_t size() const { return own_.size(); }

private:
  bool place(const std::string& outside, const own_name& own);

  base::text_map<own_name> own_;
  std::map<own_name, std::string> outside_;
};

/// The name with a hash: as much of `prefix__name` as fits, letters replaced that may not be there,
/// `_`, and `digits` hexadecimal digits. @pre digits <= 16
[[nodiscard]] std::string hashed_name(const name_source& source, std::size_t digits = 10);

}  // namespace greenroom::runtime::mcp
