// Reads one value of the tree into a variable of its type.
#pragma once

#include "config/places.hpp"
#include "config/problem.hpp"
#include "config/rule.hpp"
#include "config/tree.hpp"
#include "config/words.hpp"

#include <algorithm>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace greenroom::config {

/// What all readers of one configuration share.
struct reading {
  const std::map<std::string, std::string>& environment;
  std::vector<problem>& problems;
  places& where;
};

/// Each function reports a wrong value under the key `shown`, and then keeps `value` as it is: the
/// loader reports all errors of a file, so a reader goes on after an error.
class value_reader {
public:
  explicit value_reader(reading& context) : context_{context} {}

  void read(const tree& found, const std::string& shown, bool& value, rule limits);
  void read(const tree& found, const std::string& shown, double& value, rule limits);
  void read(const tree& found, const std::string& shown, std::chrono::milliseconds& value,
            rule limits);
  /// `auto` is nothing.
  void read(const tree& found, const std::string& shown,
            std::optional<std::chrono::milliseconds>& value, rule limits);
  void read(const tree& found, const std::string& shown, std::string& value, rule limits);
  void read(const tree& found, const std::string& shown, std::vector<std::string>& value,
            rule limits);
  template <std::unsigned_integral T>
  void read(const tree& found, const std::string& shown, T& value, rule limits) {
    if (const auto whole = whole_number(found, shown, limits)) value = static_cast<T>(*whole);
  }
  template <class T>
  requires std::is_enum_v<T>
  void read(const tree& found, const std::string& shown, T& value, rule /*limits*/) {
    const auto words = words_of(T{});
    std::vector<std::string> names;
    for (const auto& [word, meaning] : words) names.emplace_back(word);
    if (const auto at = index_of(found, shown, names)) value = words[*at].second;
  }

  void read_size(const tree& found, const std::string& shown, std::uint64_t& value, rule limits);
  /// With the environment expanded; see `expand`.
  void read_expanded(const tree& found, const std::string& shown, std::string& value,
                     bool keeps_port);

  void complain(const mark& at, std::string shown, std::string message,
                std::string suggestion = {});

private:
  /// True for a scalar; else reports an error. Quotes do not matter: the key determines the type,
  /// and JSON and many generators quote durations, sizes and numbers.
  bool plain(const tree& found, const std::string& shown, std::string_view expected);
  std::optional<double> whole_number(const tree& found, const std::string& shown, rule limits);
  std::optional<std::size_t> index_of(const tree& found, const std::string& shown,
                                      const std::vector<std::string>& names);
  void bound(const tree& found, const std::string& shown, double value, rule limits,
             std::string (*show)(double));

  reading& context_;
};

}  // namespace greenroom::config
