// Who may ask a node.
#pragma once

#include <string>
#include <vector>

namespace greenroom::config {

/// Beside loopback and the address listened on, which always may.
struct access {
  std::vector<std::string> hosts;    ///< Names and addresses that a Host field may have.
  std::vector<std::string> origins;  ///< Pages of browsers that may ask: SCHEME://HOST[:PORT].

  friend bool operator==(const access&, const access&) = default;
};

}  // namespace greenroom::config
