#include "protocols/mcp/input_state.hpp"

#include "protocols/base/base64.hpp"
#include "protocols/base/hash.hpp"
#include "protocols/base/json_writer.hpp"
#include "protocols/base/number.hpp"
#include "protocols/base/raw_object.hpp"

#include <optional>

namespace greenroom::protocols::mcp {
namespace {

using base::raw_members, base::raw_text, base::with_raw_member;

constexpr auto form = base::base64_form::url;

/// Takes the same time wherever the texts differ.
bool same_code(std::string_view left, std::string_view right) {
  if (left.size() != right.size()) return false;
  unsigned different = 0;
  for (std::size_t i = 0; i < left.size(); ++i)
    different |= static_cast<unsigned>(static_cast<unsigned char>(left[i] ^ right[i]));
  return different == 0;
}

std::optional<input_state> parsed_state(std::string_view json) {
  const auto [p, r, e, c, i] = raw_members(json, {"p", "r", "e", "c", "i"});
  const auto principal = raw_text(p.value), call = raw_text(c.value), inner = raw_text(i.value);
  const auto request = base::parse_number<std::uint64_t>(r.value);
  const auto expires = base::parse_number<std::int64_t>(e.value);
  if (!principal || !call || !inner || !request || !expires) return std::nullopt;
  return input_state{*principal, *request, *expires, *call, *inner};
}

}  // namespace

std::uint64_t digest_of(std::string_view method, std::string_view params) {
  auto rest = with_raw_member(params, "_meta", {});
  rest = with_raw_member(rest, "inputResponses", {});
  rest = with_raw_member(rest, "requestState", {});
  return base::mixed(base::stable_hash(method), base::stable_hash(rest));
}

base::expected<std::string, failure> sealed(const input_state& state, const state_signer& signer) {
  auto text = base::to_base64(base::json_object{{"p", state.principal},
                                                {"r", state.request},
                                                {"e", state.expires_s},
                                                {"c", state.call},
                                                {"i", state.inner}}
                                  .text(),
                              form);
  text += '.' + base::to_base64(signer.sign(text), form);
  if (text.size() <= state_bytes_max) return text;
  failure why;
  why.status = 200;
  why.message = "The server's requestState has " + std::to_string(state.inner.size())
                + " bytes: with its signature it would exceed " + std::to_string(state_bytes_max);
  return why;
}

base::expected<input_state, failure> opened(std::string_view text, const state_check& check,
                                            const state_signer& signer) {
  auto refused = invalid_params("The requestState is not valid for this request, or has expired");
  refused.status = 200;
  const auto point = text.find('.');
  if (text.size() > state_bytes_max || point == std::string_view::npos) return refused;
  const auto body = text.substr(0, point);
  const auto code = base::from_base64(text.substr(point + 1), form);
  // The signature first: nothing of a forged text is read.
  if (!code || code->size() < 16 || !same_code(*code, signer.sign(body))) return refused;
  const auto json = base::from_base64(body, form);
  auto state = json ? parsed_state(*json) : std::nullopt;
  if (!state || state->principal != check.principal || state->request != check.request
      || check.now_s >= state->expires_s)
    return refused;
  return *std::move(state);
}

}  // namespace greenroom::protocols::mcp
