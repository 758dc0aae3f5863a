#include "runtime/machine/worker/given_port.hpp"

#include "protocols/base/hex.hpp"
#include "protocols/base/http_url.hpp"

#include <algorithm>
#include <random>
#include <string_view>

namespace greenroom::machine {

bool wants_a_port(const config::backend& one) {
  const auto has = [](std::string_view text) {
    return text.find(base::port_mark) != std::string_view::npos;
  };
  const auto any_value = [&](const auto& map) {
    return std::ranges::any_of(map, [&](const auto& pair) { return has(pair.second); });
  };
  return has(one.url) || has(one.health) || has(one.path) || has(one.cwd)
         || std::ranges::any_of(one.command, has) || any_value(one.env) || any_value(one.headers);
}

void fill_in(config::backend& one, std::uint16_t port) {
  const auto fill = [port](std::string& text) { text = base::with_port(text, port); };
  for (auto* const text : {&one.url, &one.health, &one.path, &one.cwd}) fill(*text);
  for (auto& word : one.command) fill(word);
  for (auto* const map : {&one.env, &one.headers})
    for (auto& [name, value] : *map) fill(value);
  one.env.try_emplace("PORT", std::to_string(port));
}

std::string fresh_instance() {
  std::random_device random;
  std::string result;
  for (int i = 0; i < 32; ++i) result += base::hex_digits[random() & 15U];
  return result;
}

}  // namespace greenroom::machine
