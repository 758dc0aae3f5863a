// Clients that may use a node.
#pragma once

#include <string>
#include <vector>

namespace greenroom::config {

/// In addition to loopback and the listening address, which are always allowed.
struct access {
  std::vector<std::string> hosts;    ///< Allowed names and addresses in a Host field.
  std::vector<std::string> origins;  ///< Allowed origins of browser pages: SCHEME://HOST[:PORT].

  friend bool operator==(const access&, const access&) = default;
};

}  // namespace greenroom::config
