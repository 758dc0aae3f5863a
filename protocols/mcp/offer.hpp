// Reads what a server offers from its answers, and keeps it on disk.
#pragma once

#include "protocols/base/expected.hpp"
#include "protocols/base/mcp_offer.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace greenroom::protocols::mcp {

using base::mcp_list, base::mcp_offer, base::mcp_item;

struct offer_limits {
  std::size_t items = 4096;                       ///< Of one list.
  std::size_t item_bytes = std::size_t{1} << 20;  ///< Of one item.
  std::size_t bytes = std::size_t{16} << 20;      ///< Of one list.
  std::size_t pages = 64;                         ///< Of one list.
  std::size_t instruction_bytes = std::size_t{64} << 10;
};

/// What a page added, and what it left out.
struct page_read {
  std::string cursor;  ///< Of the next page, as JSON text; empty: this was the last one.
  std::size_t taken = 0;
  std::size_t left_out = 0;  ///< Items that are no object with a key, repeat one, or are too many.
};

/// Adds a page, the result of a list's request, to the offer. A problem when the result has no such
/// list; then nothing was added.
[[nodiscard]] base::expected<page_read, base::problem> add_page(mcp_offer& to, mcp_list list,
                                                                std::string_view result,
                                                                const offer_limits& limits = {});

/// Takes capabilities, serverInfo and instructions from the result of `initialize` or
/// `server/discover`. The version is set for `initialize` only.
void take_greeting(mcp_offer& to, std::string_view result, const offer_limits& limits = {});

/// Whether the capabilities of an offer have a member such as `tools` or `completions`.
[[nodiscard]] bool has_capability(const mcp_offer& offer, std::string_view name);

/// The stored form: one line with the version, the fingerprint and a check sum, then JSON.
[[nodiscard]] std::string to_stored(const mcp_offer& offer, std::uint64_t fingerprint);

/// A problem when the text is of another version or fingerprint, is damaged, or exceeds the limits.
[[nodiscard]] base::expected<mcp_offer, base::problem> from_stored(std::string_view text,
                                                                   std::uint64_t fingerprint,
                                                                   const offer_limits& limits = {});

/// Of the parts of a configuration that decide what a server offers (command, environment, folder,
/// URL, headers), in the order given. Names and values are told apart, so "ab","c" is not "a","bc".
[[nodiscard]] std::uint64_t fingerprint_of(
    std::span<const std::pair<std::string_view, std::string_view>> parts);

}  // namespace greenroom::protocols::mcp
