#include "protocols/mcp/offer.hpp"

#include "protocols/base/hash.hpp"
#include "protocols/base/hex.hpp"
#include "protocols/base/json_text.hpp"
#include "protocols/base/json_writer.hpp"
#include "protocols/base/raw_object.hpp"
#include "protocols/base/utf8.hpp"

#include <optional>
#include <unordered_set>
#include <vector>

namespace greenroom::protocols::mcp {
namespace {

using base::is_raw_object, base::is_raw_text, base::raw_member, base::raw_text;

constexpr std::string_view mark = "greenroom-mcp-offer 1";
constexpr std::string_view unreadable = "unreadable";

std::string mended_line(std::string_view json) {
  std::string result, mended{json};
  base::mend_halves(mended);
  base::append_one_line(result, mended);
  return result;
}

/// Adds items to a list that keeps each key once.
class adder {
public:
  adder(std::vector<mcp_item>& to, const offer_limits& limits) : to_{to}, limits_{limits} {
    for (const auto& item : to) {
      keys_.insert(item.key);
      bytes_ += item.json.size();
    }
  }

  /// False: it was left out.
  bool add(std::string_view raw, std::string_view key_name) {
    const auto key = is_raw_object(raw) ? raw_text(raw_member(raw, key_name)) : std::nullopt;
    if (!key || key->empty() || raw.size() > limits_.item_bytes || to_.size() >= limits_.items
        || bytes_ + raw.size() > limits_.bytes || !keys_.insert(*key).second)
      return false;
    bytes_ += raw.size();
    to_.push_back({*key, mended_line(raw)});
    return true;
  }

private:
  std::vector<mcp_item>& to_;
  const offer_limits& limits_;
  std::unordered_set<std::string> keys_;
  std::size_t bytes_ = 0;
};

std::size_t stored_bytes_max(const offer_limits& limits) {
  // The lists, and all that is written once.
  return base::mcp_lists * limits.bytes + 2 * limits.item_bytes + 8 * limits.instruction_bytes
         + 4096 * base::mcp_lists + 4096;
}

std::string object_or_nothing(std::string_view value, std::size_t bytes_max) {
  return is_raw_object(value) && value.size() <= bytes_max ? mended_line(value) : std::string{};
}

}  // namespace

base::expected<page_read, base::problem> add_page(mcp_offer& to, mcp_list list,
                                                  std::string_view result,
                                                  const offer_limits& limits) {
  const auto items = raw_member(result, base::items_member(list));
  if (!items.starts_with('['))
    return base::problem{"no-list",
                         "the result has no list " + std::string{base::items_member(list)}};
  page_read read;
  adder into{to[list], limits};
  static_cast<void>(base::each_element(items, [&](std::string_view raw) {
    ++(into.add(raw, base::key_member(list)) ? read.taken : read.left_out);
  }));
  // An empty cursor leads to a page as well; only its absence ends the list.
  if (const auto cursor = raw_member(result, "nextCursor"); is_raw_text(cursor))
    read.cursor = cursor;
  return read;
}

void take_greeting(mcp_offer& to, std::string_view result, const offer_limits& limits) {
  to.capabilities = object_or_nothing(raw_member(result, "capabilities"), limits.item_bytes);
  auto info = raw_member(result, "serverInfo");
  if (info.empty())
    info = raw_member(raw_member(result, "_meta"), "io.modelcontextprotocol/serverInfo");
  to.server_info = object_or_nothing(info, limits.item_bytes);
  to.instructions = raw_text(raw_member(result, "instructions")).value_or("");
  to.instructions.resize(base::utf8_cut(to.instructions, limits.instruction_bytes).size());
  if (const auto version = raw_text(raw_member(result, "protocolVersion"));
      version && version->size() <= 64)
    to.version = *version;
}

bool has_capability(const mcp_offer& offer, std::string_view name) {
  return is_raw_object(raw_member(offer.capabilities, name));
}

std::string to_stored(const mcp_offer& offer, std::uint64_t fingerprint) {
  base::json_object body{{"era", static_cast<unsigned>(offer.era)},
                         {"version", offer.version},
                         {"instructions", offer.instructions}};
  if (!offer.server_info.empty()) body.raw("serverInfo", offer.server_info);
  if (!offer.capabilities.empty()) body.raw("capabilities", offer.capabilities);
  for (const auto list : base::all_mcp_lists)
    body.add(base::items_member(list), base::json_array{offer[list], [](const mcp_item& item) {
                                                          return base::json_raw{item.json};
                                                        }});
  auto json = std::move(body).text();
  const auto check = base::to_hex(base::stable_hash(json));
  return std::string{mark} + ' ' + base::to_hex(fingerprint) + ' ' + check + '\n' + json + '\n';
}

base::expected<mcp_offer, base::problem> from_stored(std::string_view text,
                                                     std::uint64_t fingerprint,
                                                     const offer_limits& limits) {
  const auto end = text.find('\n');
  if (end == std::string_view::npos || !text.starts_with(mark))
    return base::problem{unreadable, "the offer is of another version, or none"};
  if (text.size() > stored_bytes_max(limits))
    return base::problem{unreadable, "the offer is too large"};
  const auto head = text.substr(0, end);
  auto json = text.substr(end + 1);
  if (json.ends_with('\n')) json.remove_suffix(1);
  const auto begin = std::string{mark} + ' ' + base::to_hex(fingerprint) + ' ';
  if (!head.starts_with(begin))
    return base::problem{"other-configuration", "the offer is of another configuration"};
  if (head.substr(begin.size()) != base::to_hex(base::stable_hash(json)) || !base::is_json(json))
    return base::problem{unreadable, "the offer is damaged"};
  mcp_offer result;
  take_greeting(result, json, limits);
  result.era = raw_member(json, "era") == "1" ? base::mcp_era::modern : base::mcp_era::legacy;
  result.version = raw_text(raw_member(json, "version")).value_or("");
  for (const auto list : base::all_mcp_lists) {
    const auto page = add_page(result, list, json, limits);
    if (!page || page->left_out > 0)
      return base::problem{unreadable, "the offer has a list that cannot be read"};
  }
  return result;
}

std::uint64_t fingerprint_of(std::span<const std::pair<std::string_view, std::string_view>> parts) {
  std::uint64_t hash = parts.size();
  for (const auto& [name, value] : parts) {
    hash = base::mixed(hash, base::stable_hash(name));
    hash = base::mixed(hash, base::stable_hash(value));
  }
  return hash;
}

}  // namespace greenroom::protocols::mcp
