#include "runtime/mcp/call_streams.hpp"

#include "protocols/base/number.hpp"

#include <utility>

namespace greenroom::runtime::mcp {
namespace {

/// Some servers give a number back as a text, or a text as a number.
constexpr std::string_view without_quotes(std::string_view json) {
  if (json.size() >= 2 && json.front() == '"' && json.back() == '"')
    return json.substr(1, json.size() - 2);
  return json;
}

}  // namespace

bool call_streams::begin(call_number call, std::string client_token) {
  if (calls_.size() >= set_.calls_max) return false;
  return calls_.try_emplace(call, entry{std::move(client_token), std::nullopt, 0}).second;
}

void call_streams::end(call_number call) {
  const auto found = calls_.find(call);
  if (found == calls_.end()) return;
  if (found->second.requests > 0)
    std::erase_if(requests_, [&](const auto& each) { return each.second.call == call; });
  calls_.erase(found);
}

std::string call_streams::inner_token(call_number call) { return std::to_string(call); }

std::optional<call_streams::progress> call_streams::take_progress(std::string_view token,
                                                                  double value) {
  const auto number = base::parse_number<call_number>(without_quotes(token));
  const auto found = number ? calls_.find(*number) : calls_.end();
  if (found == calls_.end() || found->second.client_token.empty()) return std::nullopt;
  // A comparison that is false for NaN too.
  if (found->second.last && !(value > *found->second.last)) return std::nullopt;
  found->second.last = value;
  return progress{found->first, found->second.client_token};
}

std::optional<call_streams::call_number> call_streams::only_call() const {
  if (calls_.size() != 1) return std::nullopt;
  return calls_.begin()->first;
}

std::optional<std::string> call_streams::take_request(std::string_view server_id) {
  const auto call = only_call();
  if (!call) return std::nullopt;
  auto& owner = calls_.begin()->second;
  if (owner.requests >= set_.requests_max) return std::nullopt;
  ++owner.requests;
  auto id = "\"" + std::to_string(*call) + "-" + std::to_string(++asked_) + "\"";
  requests_.emplace(id, answered{*call, std::string{server_id}});
  return id;
}

std::optional<call_streams::answered> call_streams::take_answer(std::string_view client_id,
                                                                call_number call) {
  const auto found = requests_.find(client_id);
  if (found == requests_.end() || found->second.call != call) return std::nullopt;
  auto result = std::move(found->second);
  requests_.erase(found);
  --calls_.find(call)->second.requests;
  return result;
}

}  // namespace greenroom::runtime::mcp
