// What clients are offered: the offers of all servers, merged for each endpoint.
#pragma once

#include "protocols/base/mcp_offer.hpp"
#include "protocols/base/text_hash.hpp"
#include "runtime/mcp/outside_names.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace greenroom::runtime::mcp {

using time_point = std::chrono::time_point<std::chrono::steady_clock, std::chrono::nanoseconds>;
using base::mcp_list, base::mcp_offer, base::mcp_item;

/// A specialist, or a group of tools such as all workflows.
struct catalogue_server {
  std::string name;
  std::string department;
  /// In front of names outside of its own endpoint: its name for an MCP server; empty for a
  /// specialist that is one tool of its own name.
  std::string prefix;

  friend bool operator==(const catalogue_server&, const catalogue_server&) = default;
};

/// An endpoint: /mcp, /mcp/{department} or /mcp/{specialist}.
struct endpoint {
  enum class kind : std::uint8_t { all, department, server };
  kind part = kind::all;
  std::string name;

  friend bool operator==(const endpoint&, const endpoint&) = default;
};

/// The lists that clients must be told to read again.
class list_changes {
public:
  void add(mcp_list list) { changed_[static_cast<std::size_t>(list)] = true; }
  [[nodiscard]] bool has(mcp_list list) const { return changed_[static_cast<std::size_t>(list)]; }
  [[nodiscard]] bool any() const {
    for (const bool one : changed_)
      if (one) return true;
    return false;
  }

private:
  std::array<bool, base::mcp_lists> changed_{};
};

struct list_page {
  std::vector<std::string> items;  ///< JSON, with the names of the endpoint.
  /// Where the next page begins; nothing: this was the last one.
  std::optional<std::pair<std::string, std::uint32_t>> next;
};

/// How well a server's offer is known.
struct freshness {
  bool known = false;
  time_point read_at{};      ///< When the offer was read; only if known.
  std::string last_failure;  ///< Why it could not be read again since; empty: it could.
};

class catalogue {
public:
  /// True for the servers that a caller may use.
  using filter = std::function<bool(std::string_view server)>;

  /// All servers, in the order of the configuration, which is the order of the lists. Offers of
  /// servers that stay are kept.
  list_changes set_servers(std::vector<catalogue_server> servers);
  /// Replaces an offer. What did not change is no change. Unknown servers are ignored.
  list_changes set_offer(std::string_view server, mcp_offer offer, time_point now);
  /// The offer could not be read: what is known stays.
  void note_failure(std::string_view server, std::string why);
  /// The offer is of another configuration.
  list_changes forget_offer(std::string_view server);

  [[nodiscard]] const mcp_offer* offer_of(std::string_view server) const;
  [[nodiscard]] freshness freshness_of(std::string_view server) const;
  /// What the last part of a URL's path names; nothing: 404.
  [[nodiscard]] std::optional<endpoint> endpoint_of(std::string_view segment) const;
  /// The servers of an endpoint whose offers are not known.
  [[nodiscard]] std::vector<std::string> unknown_at(const endpoint& at, const filter& may) const;
  [[nodiscard]] std::vector<std::string> servers_at(const endpoint& at, const filter& may) const;

  /// At most `count` items from a position on: the `index`-th item of `server`, or the beginning
  /// when `server` is empty. Nothing when that server is not there any more.
  [[nodiscard]] std::optional<list_page> page(const endpoint& at, mcp_list list,
                                              std::string_view server, std::uint32_t index,
                                              std::size_t count, const filter& may) const;

  /// Who is meant by the name of a tool or prompt at an endpoint. At a server's own endpoint every
  /// name is that server's, known or not, since servers may have tools that they do not list.
  [[nodiscard]] std::optional<own_name> find(const endpoint& at, mcp_list list,
                                             std::string_view name, const filter& may) const;
  /// Who is meant by a URI: who lists it, else whose template it may come from. Templates behind
  /// those that cost `match_steps_max` together are not looked at; a server's own endpoint and its
  /// prefix in front of the URI lead there even so.
  [[nodiscard]] std::optional<own_name> find_resource(const endpoint& at, std::string_view uri,
                                                      const filter& may) const;

  /// The name that an endpoint shows for a server's own; empty: it shows none.
  [[nodiscard]] std::string shown_name(const endpoint& at, mcp_list list,
                                       const own_name& own) const;
  /// The URI that an endpoint shows. Two servers with one URI: both get a prefix.
  [[nodiscard]] std::string shown_uri(const endpoint& at, const own_name& own) const;

private:
  struct entry {
    catalogue_server who;
    std::optional<mcp_offer> offer;
    time_point read_at{};
    std::string last_failure;
  };

  [[nodiscard]] const entry* find_entry(std::string_view server) const;
  [[nodiscard]] entry* find_entry(std::string_view server);
  [[nodiscard]] static bool is_at(const entry& one, const endpoint& at, const filter& may);
  [[nodiscard]] std::string shown(const endpoint& at, mcp_list list, const entry& one,
                                  const mcp_item& item) const;
  void rename(mcp_list list);

  std::vector<entry> entries_;
  std::array<outside_names, base::mcp_lists> names_;  // Of tools and prompts.
  /// How many servers list a URI or a template.
  std::array<base::text_map<std::size_t>, base::mcp_lists> uris_;
};

/// Of an endpoint, for cursors.
[[nodiscard]] std::uint64_t hash_of(const endpoint& at);

}  // namespace greenroom::runtime::mcp
