// What a node writes to an MCP server.
#pragma once

#include "protocols/base/expected.hpp"

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

namespace greenroom::protocols {

/// From this version on there is no `initialize`.
inline constexpr std::string_view mcp_stateless_version = "2026-07-28";

inline constexpr std::string_view mcp_initialize_id = "0";  ///< Tasks are numbered from 1.
// The node's own requests have these prefixes; task numbers never get that large.
inline constexpr std::string_view mcp_greeting_prefix = "7000000000";
inline constexpr std::string_view mcp_tools_prefix = "8000000000";
inline constexpr std::string_view mcp_ping_prefix = "9000000000";

/// Writes JSON-RPC requests and notifications, one a line, in the form that the server's version
/// requires. The reading thread greets; then another thread may write the rest.
class mcp_requests {
public:
  void add_initialize(std::string& out, std::string_view id, std::string_view version) const;
  /// The greeting without `initialize`. Later requests name `version`.
  void add_discover(std::string& out, std::string_view id, std::string_view version);

  /// From here on each request carries the version and the client, as a server without `initialize`
  /// requires. Called by the reading thread before the worker is ready.
  void begin_stateless(std::string version) {
    version_ = std::move(version);
    stateless_ = true;
  }
  [[nodiscard]] const std::string& version() const { return version_; }

  base::expected<void> add_task(std::string& out, std::string_view name,
                                std::string_view input) const;
  void add_cancel(std::string& out, std::string_view name) const;
  void add_ping(std::string& out);
  void add_tools_request(std::string& out, std::string_view cursor);

private:
  void add_request(std::string& out, std::string_view prefix, std::uint64_t number,
                   std::string_view method, std::string_view params) const;
  void append_params(std::string& out, std::string_view params) const;
  [[nodiscard]] std::string meta(std::string_view callers) const;

  // Written before `ready`, then read by the sending thread.
  std::atomic<bool> stateless_ = false;
  std::string version_;
  // Used by the sending thread.
  std::uint64_t pings_ = 0;
  std::uint64_t tools_requests_ = 0;
};

}  // namespace greenroom::protocols
