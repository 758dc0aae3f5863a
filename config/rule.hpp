// Limits on a value beyond its type.
#pragma once

#include <cstdint>
#include <limits>

namespace greenroom::config {

/// Durations are compared in milliseconds.
struct rule {
  enum class form : std::uint8_t { any, endpoint, http_url, url_path, host, origin };

  double min = -std::numeric_limits<double>::infinity();
  double max = std::numeric_limits<double>::infinity();
  form text = form::any;  ///< An empty text is always valid: it means none.
};

constexpr rule at_least(double min) { return {.min = min}; }
constexpr rule within(double min, double max) { return {.min = min, .max = max}; }
constexpr rule shaped(rule::form form) { return {.text = form}; }

/// A share, 0 to 1.
constexpr rule share = within(0, 1);

}  // namespace greenroom::config
