#include "protocols/mcp/cursor.hpp"

#include "protocols/base/base64.hpp"
#include "protocols/base/hash.hpp"
#include "protocols/base/hex.hpp"
#include "protocols/base/number.hpp"
#include "protocols/base/raw_object.hpp"

#include <optional>

namespace greenroom::protocols::mcp {
namespace {

using base::raw_member, base::raw_text;

constexpr std::size_t bytes_max = 1024;
constexpr char version = '1';

/// Sixteen digits that a mistake changes; nobody has a reason to forge a cursor.
std::string check_of(std::string_view text) { return base::to_hex(base::stable_hash(text)); }

/// The part up to the next blank, which is taken off.
std::string_view cut(std::string_view& text) {
  const auto end = text.find(' ');
  const auto part = text.substr(0, end);
  text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
  return part;
}

std::optional<list_position> parsed_cursor(std::string_view cursor) {
  if (cursor.size() > bytes_max) return std::nullopt;
  const auto bytes = base::from_base64(cursor, base::base64_form::url);
  if (!bytes) return std::nullopt;
  std::string_view rest = *bytes;
  if (const auto check = cut(rest); check != check_of(rest)) return std::nullopt;
  if (cut(rest) != std::string_view{&version, 1}) return std::nullopt;
  const auto list = base::parse_number<std::uint8_t>(cut(rest));
  const auto scope = base::parse_number<std::uint64_t>(cut(rest), 16);
  const auto index = base::parse_number<std::uint32_t>(cut(rest));
  if (!list || *list >= base::mcp_lists || !scope || !index) return std::nullopt;
  return list_position{static_cast<base::mcp_list>(*list), *scope, std::string{rest}, *index};
}

}  // namespace

std::string to_cursor(const list_position& position) {
  std::string text{version};
  text += ' ' + std::to_string(static_cast<unsigned>(position.list)) + ' '
          + base::to_hex(position.scope) + ' ' + std::to_string(position.index) + ' '
          + position.server;
  return base::to_base64(check_of(text) + ' ' + text, base::base64_form::url);
}

base::expected<list_position, failure> position_in(std::string_view params, base::mcp_list list,
                                                   std::uint64_t scope) {
  const auto value = raw_member(params, "cursor");
  list_position first{list, scope, {}, 0};
  if (value.empty()) return first;
  const auto cursor = raw_text(value);
  if (cursor && cursor->empty()) return first;
  auto found = cursor ? parsed_cursor(*cursor) : std::nullopt;
  if (found && found->list == list && found->scope == scope) return *std::move(found);
  auto why = invalid_params("The cursor is none of this list's");
  why.status = 200;
  return why;
}

}  // namespace greenroom::protocols::mcp
