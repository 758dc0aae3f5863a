// The versions of the Model Context Protocol that the node serves.
#pragma once

#include "protocols/base/mcp_offer.hpp"

#include <array>
#include <string>
#include <string_view>

namespace greenroom::protocols::mcp {

using base::mcp_era;

inline constexpr std::string_view newest_modern = "2026-07-28";
inline constexpr std::string_view newest_legacy = "2025-11-25";
/// What a legacy request without a version speaks (2025-11-25, basic/transports).
inline constexpr std::string_view version_without_header = "2025-03-26";

/// The newest first. The last one has no Streamable HTTP, but clients that offer it use that
/// transport too.
inline constexpr std::array<std::string_view, 5> served_versions{
    newest_modern, newest_legacy, "2025-06-18", version_without_header, "2024-11-05"};

[[nodiscard]] bool is_served(std::string_view version);
[[nodiscard]] bool is_served(std::string_view version, mcp_era era);

/// A date from the first modern version on, served or not.
[[nodiscard]] bool is_modern(std::string_view version);

/// The answer to `initialize`: the client's version when it is a served legacy one, else the
/// newest.
[[nodiscard]] std::string_view negotiated(std::string_view asked);

/// A JSON array of the versions that `server/discover` and a refusal list: those with HTTP.
[[nodiscard]] std::string supported_versions();

}  // namespace greenroom::protocols::mcp
