#include "config/import/readers.hpp"
#include "config/import/variables.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <utility>

namespace greenroom::config {
namespace {

using macros = std::map<std::string, std::string, std::less<>>;

/// Macros may stand in macros; this deep at most.
constexpr int macro_depth_max = 8;
/// Linux takes an argument of 128 KiB at most. Without a limit a few short macros that name each
/// other fill the memory.
constexpr std::size_t expanded_bytes_max = 64 << 10;

void add_macros(macros& to, const tree* from) {
  if (from == nullptr) return;
  for (const auto& entry : from->entries)
    if (entry.value.is == tree::kind::scalar) to[entry.key] = entry.value.text;
  // The other form: a list of maps, so that their order is known.
  for (const auto& item : from->items) add_macros(to, &item);
}

class model_reader {
public:
  model_reader(const std::string& name, const tree& model, macros known)
      : name_{name}, model_{model}, known_{std::move(known)} {
    add_macros(known_, model.find("macros"));
    known_["MODEL_ID"] = name;
  }

  base::expected<imported_specialist, base::problem> read() {
    one_.is = imported_specialist::kind::model_server;
    one_.name = valid_name(name_);
    if (one_.name != name_) note("was called '" + name_ + "'");
    read_command();
    for (const auto& each : texts_under(model_, "env"))
      if (const auto equals = each.find('='); equals != std::string::npos)
        set_env(one_, each.substr(0, equals), own(each.substr(equals + 1)));
    const auto proxy = text_under(model_, "proxy");
    one_.url = own(proxy.empty() ? "http://127.0.0.1:${PORT}" : proxy);
    const auto check = text_under(model_, "checkEndpoint");
    if (check == "none")
      note("checkEndpoint is none: set health to a path that answers when it is ready");
    else
      one_.health = check;
    for (const auto& each : texts_under(model_, "aliases"))
      one_.aliases.push_back(valid_name(each));
    if (const auto limit = number_under(model_, "concurrencyLimit"); limit >= 1 && limit <= 4096)
      one_.concurrency = static_cast<std::uint32_t>(limit);
    if (number_under(model_, "ttl") > 0)
      note("ttl is not kept: idle models are evicted by pool.cooldown and the budget");
    static const std::set<std::string_view> kept{
        "cmd", "env",  "proxy",       "checkEndpoint", "aliases", "macros", "concurrencyLimit",
        "ttl", "name", "description", "metadata"};
    for (const auto& entry : model_.entries)
      if (!kept.contains(entry.key)) note(entry.key + " is not kept");
    if (problem_) return *std::move(problem_);
    return std::move(one_);
  }

private:
  void note(std::string what) { one_.notes.push_back(std::move(what)); }
  std::string own(std::string_view text) {
    return translated(with_macros(std::string{text}), import_source::llama_swap, one_.notes);
  }

  void read_command() {
    const auto words = shell_words(with_macros(std::string{text_under(model_, "cmd")}));
    if (!words) return note("cmd has a quote that is not closed");
    for (const auto& word : *words)
      one_.command.push_back(translated(word, import_source::llama_swap, one_.notes));
    if (one_.command.empty()) return;
    const auto& program = one_.command[0];
    one_.any_listener = program.ends_with("docker") || program.ends_with("podman");
  }

  std::string with_macros(std::string text) {
    for (int i = 0; i < macro_depth_max && text.find("${") != std::string::npos; ++i) {
      auto bytes = text.size();
      text = replaced(text, [&](std::string_view macro) -> std::optional<std::string> {
        const auto found = known_.find(macro);
        if (found == known_.end()) return std::nullopt;
        bytes = bytes - std::string_view{"${}"}.size() - macro.size() + found->second.size();
        if (bytes <= expanded_bytes_max) return found->second;
        refuse(macro);
        return std::string{};
      });
      if (problem_) return {};
    }
    return text;
  }

  void refuse(std::string_view macro) {
    if (problem_) return;
    problem_ = {"bad-macro", "has the model '" + name_ + "', in which the macro '"
                                 + std::string{macro} + "' expands to a text of more than "
                                 + std::to_string(expanded_bytes_max)
                                 + " bytes, the limit; shorten it, or write the text out"};
  }

  const std::string& name_;
  const tree& model_;
  macros known_;
  imported_specialist one_;
  std::optional<base::problem> problem_;  ///< The first one.
};

}  // namespace

base::expected<imported, base::problem> read_llama_swap(const tree& file) {
  imported result;
  result.from = import_source::llama_swap;
  macros known;
  add_macros(known, file.find("macros"));
  const auto start_s = number_under(file, "healthCheckTimeout");
  if (const auto* const models = file.find("models"))
    for (const auto& entry : models->entries) {
      auto one = model_reader{entry.key, entry.value, known}.read();
      if (!one) return one.error();
      one->start_timeout_s = start_s;
      result.specialists.push_back(*std::move(one));
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
