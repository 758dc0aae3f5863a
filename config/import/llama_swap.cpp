#include "config/import/readers.hpp"
#include "config/import/variables.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>

namespace greenroom::config {
namespace {

using macros = std::map<std::string, std::string, std::less<>>;

/// Macros may stand in macros; this deep at most.
constexpr int macro_depth_max = 8;

void add_macros(macros& to, const tree* from) {
  if (from == nullptr) return;
  for (const auto& entry : from->entries)
    if (entry.value.is == tree::kind::scalar) to[entry.key] = entry.value.text;
  // The other form: a list of maps, so that their order is known.
  for (const auto& item : from->items) add_macros(to, &item);
}

std::string with_macros(std::string text, const macros& all) {
  for (int i = 0; i < macro_depth_max && text.find("${") != std::string::npos; ++i)
    text = replaced(text, [&](std::string_view name) {
      const auto found = all.find(name);
      return found == all.end() ? std::nullopt : std::optional{found->second};
    });
  return text;
}

imported_specialist read_model(const std::string& name, const tree& model, macros known) {
  constexpr auto from = import_source::llama_swap;
  imported_specialist one;
  one.is = imported_specialist::kind::model_server;
  one.name = valid_name(name);
  if (one.name != name) one.notes.push_back("was called '" + name + "'");
  add_macros(known, model.find("macros"));
  known["MODEL_ID"] = name;
  const auto own = [&](std::string_view text) {
    return translated(with_macros(std::string{text}, known), from, one.notes);
  };
  if (const auto words = shell_words(with_macros(std::string{text_under(model, "cmd")}, known))) {
    for (const auto& word : *words) one.command.push_back(translated(word, from, one.notes));
  } else {
    one.notes.push_back("cmd has a quote that is not closed");
  }
  const auto program = one.command.empty() ? std::string{} : one.command[0];
  one.any_listener = program.ends_with("docker") || program.ends_with("podman");
  for (const auto& each : texts_under(model, "env"))
    if (const auto equals = each.find('='); equals != std::string::npos)
      one.env.emplace_back(each.substr(0, equals), own(each.substr(equals + 1)));
  const auto proxy = text_under(model, "proxy");
  one.url = own(proxy.empty() ? "http://127.0.0.1:${PORT}" : proxy);
  const auto check = text_under(model, "checkEndpoint");
  if (check == "none")
    one.notes.push_back(
        "checkEndpoint is none: set health to a path that answers when it is ready");
  else
    one.health = check;
  for (const auto& each : texts_under(model, "aliases")) one.aliases.push_back(valid_name(each));
  if (const auto limit = number_under(model, "concurrencyLimit"); limit >= 1 && limit <= 4096)
    one.concurrency = static_cast<std::uint32_t>(limit);
  if (number_under(model, "ttl") > 0)
    one.notes.push_back("ttl is not kept: idle models are evicted by pool.cooldown and the budget");
  static const std::set<std::string_view> kept{
      "cmd", "env",  "proxy",       "checkEndpoint", "aliases", "macros", "concurrencyLimit",
      "ttl", "name", "description", "metadata"};
  for (const auto& entry : model.entries)
    if (!kept.contains(entry.key)) one.notes.push_back(entry.key + " is not kept");
  return one;
}

}  // namespace

imported read_llama_swap(const tree& file) {
  imported result;
  result.from = import_source::llama_swap;
  macros known;
  add_macros(known, file.find("macros"));
  const auto start_s = number_under(file, "healthCheckTimeout");
  if (const auto* const models = file.find("models"))
    for (const auto& entry : models->entries) {
      auto one = read_model(entry.key, entry.value, known);
      one.start_timeout_s = start_s;
      result.specialists.push_back(std::move(one));
    }
  constexpr std::array<std::string_view, 5> silent{"models", "macros", "healthCheckTimeout",
                                                   "logLevel", "startPort"};
  for (const auto& entry : file.entries)
    if (std::find(silent.begin(), silent.end(), entry.key) == silent.end())
      result.notes.push_back(
          entry.key + " is not kept"
          + (entry.key == "groups" || entry.key == "profiles"
                 ? ": pool.max_warm says how many models are up at once, pin which of them always"
                 : ""));
  return result;
}

}  // namespace greenroom::config
