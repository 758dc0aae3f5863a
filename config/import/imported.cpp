#include "config/import/imported.hpp"

#include "config/import/readers.hpp"
#include "config/import/source_tree.hpp"
#include "protocols/base/json_text.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

namespace greenroom::config {
namespace {

constexpr std::array<std::string_view, 7> source_names{
    "claude-desktop", "claude-code", "cursor", "vscode", "codex", "gemini", "llama-swap"};

bool has_any(const tree& map, std::initializer_list<std::string_view> keys) {
  return std::any_of(keys.begin(), keys.end(),
                     [&](std::string_view key) { return map.find(key) != nullptr; });
}

/// Whose JSON it is, by what only one client has.
import_source json_source(const tree& file, std::string_view text) {
  const auto* const mcp = file.find("mcp");
  if (has_any(file, {"servers", "inputs"}) || (mcp != nullptr && has_any(*mcp, {"servers"})))
    return import_source::vscode;
  if (text.find("\"${env:") != std::string_view::npos
      || text.find("\"envFile\"") != std::string_view::npos
      || text.find("${workspaceFolder") != std::string_view::npos)
    return import_source::cursor;
  if (mcp != nullptr || has_any(file, {"selectedAuthType", "security", "contextFileName"}))
    return import_source::gemini;
  bool claude_code = file.find("projects") != nullptr;
  if (const auto* const servers = file.find("mcpServers"))
    for (const auto& entry : servers->entries) {
      if (has_any(entry.value, {"httpUrl", "trust", "includeTools", "excludeTools"}))
        return import_source::gemini;
      claude_code = claude_code || has_any(entry.value, {"type"});
    }
  return claude_code ? import_source::claude_code : import_source::claude_desktop;
}

/// Whether the first thing in the text but comments is a brace.
bool is_json_like(std::string_view text) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  for (;;) {
    const auto begin = text.find_first_not_of(" \t\r\n");
    if (begin == std::string_view::npos) return false;
    text.remove_prefix(begin);
    if (text.starts_with("//"))
      text.remove_prefix(std::min(text.find('\n'), text.size()));
    else if (text.starts_with("/*"))
      text.remove_prefix(std::min(text.find("*/", 2), text.size() - 2) + 2);
    else
      return text.starts_with('{');
  }
}

base::expected<tree, base::problem> tree_of(std::string_view text,
                                            std::optional<import_source> from) {
  if (from == import_source::codex) return tree_of_toml(text);
  if (from == import_source::llama_swap) return tree_of_yaml(text);
  if (from || is_json_like(text)) return tree_of_json(text);
  return text.find("[mcp_servers") != std::string_view::npos ? tree_of_toml(text)
                                                             : tree_of_yaml(text);
}

import_source source_of(const tree& file, std::string_view text) {
  if (file.find("mcp_servers") != nullptr) return import_source::codex;
  if (!is_json_like(text) && file.find("models") != nullptr) return import_source::llama_swap;
  return json_source(file, text);
}

// -- writing ------------------------------------------------------------------

std::string yaml_text(std::string_view text) { return base::json_string(text); }

std::string timeout_text(double value) {
  const auto ms = static_cast<long long>(std::llround(std::min(value, 86400.0 * 365) * 1000));
  return ms % 1000 == 0 ? std::to_string(ms / 1000) + "s" : std::to_string(ms) + "ms";
}

std::string comment_line(std::string text) {
  std::replace_if(
      text.begin(), text.end(),
      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, ' ');
  return base::mend_utf8(text);
}

std::string list_of(const std::vector<std::string>& texts) {
  std::string result;
  for (const auto& each : texts) result += (result.empty() ? "" : ", ") + yaml_text(each);
  return "[" + result + "]";
}

std::string map_of(const std::vector<name_and_text>& texts) {
  // YAML takes a longer key only behind a question mark.
  constexpr std::size_t plain_key_bytes_max = 1024;
  std::string result;
  for (const auto& [name, text] : texts) {
    const auto key = yaml_text(name);
    result.append(result.empty() ? "" : ", ").append(key.size() < plain_key_bytes_max ? "" : "? ");
    result.append(key).append(": ").append(yaml_text(text));
  }
  return "{ " + result + " }";
}

std::string backend_of(const imported_specialist& one) {
  using kind = imported_specialist::kind;
  const std::string key(10, ' ');
  std::string result;
  const auto line = [&](std::string_view name, const std::string& value) {
    result.append(key).append(name).append(": ").append(value).append("\n");
  };
  line("kind", one.is == kind::mcp_process ? "process" : "http");
  if (one.is != kind::model_server) line("protocol", "mcp");
  if (!one.command.empty()) line("command", list_of(one.command));
  if (!one.env.empty()) line("env", map_of(one.env));
  if (!one.cwd.empty()) line("cwd", yaml_text(one.cwd));
  if (!one.url.empty()) line("url", yaml_text(one.url));
  if (!one.headers.empty()) line("headers", map_of(one.headers));
  if (!one.health.empty()) line("health", yaml_text(one.health));
  if (one.is == kind::model_server) line("path", "/v1/chat/completions");
  if (one.any_listener) line("listener", "any");
  if (one.concurrency != 0) line("concurrency", std::to_string(one.concurrency));
  if (one.start_timeout_s > 0) line("start_timeout", timeout_text(one.start_timeout_s));
  if (one.task_timeout_s > 0) line("task_timeout", timeout_text(one.task_timeout_s));
  return result;
}

std::string specialist_of(const imported_specialist& one) {
  std::string result;
  for (const auto& note : one.notes) result += "      # " + comment_line(note) + "\n";
  result += "      - name: " + yaml_text(one.name) + "\n";
  if (!one.aliases.empty()) result += "        aliases: " + list_of(one.aliases) + "\n";
  return result + "        backend:\n" + backend_of(one);
}

/// Names that are free: of servers that differ the later one gets a number.
class names {
public:
  /// False: the same server is there already.
  bool place(imported_specialist& one) {
    const auto wanted = one.name;
    for (int number = 2;; ++number) {
      const auto [at, fresh] = backends_.try_emplace(one.name, backend_of(one));
      if (fresh) {
        if (one.name != wanted)
          one.notes.push_back("another server is called '" + wanted + "' too");
        return true;
      }
      if (at->second == backend_of(one)) return false;
      one.name = wanted + "-" + std::to_string(number);
    }
  }

  /// Aliases that no name or alias before is.
  void place_aliases(imported_specialist& one) {
    std::erase_if(one.aliases, [&](const std::string& alias) {
      return !backends_.try_emplace(alias, "").second;
    });
  }

private:
  std::map<std::string, std::string, std::less<>> backends_;
};

}  // namespace

std::string_view to_string(import_source value) {
  return source_names[static_cast<std::size_t>(value)];
}

std::optional<import_source> import_source_of(std::string_view name) {
  const auto found = std::find(source_names.begin(), source_names.end(), name);
  if (found == source_names.end()) return std::nullopt;
  return static_cast<import_source>(found - source_names.begin());
}

base::expected<imported, base::problem> import_text(std::string_view text,
                                                    std::optional<import_source> from) {
  auto file = tree_of(text, from);
  if (!file) return file.error();
  const auto source = from ? *from : source_of(*file, text);
  auto result =
      source == import_source::llama_swap ? read_llama_swap(*file) : read_mcp_client(*file, source);
  if (!result) return result;
  std::erase_if(result->specialists, [&](const imported_specialist& one) {
    if (!one.url.empty() || (!one.command.empty() && !one.command[0].empty())) return false;
    result->notes.push_back("'" + one.name + "' is left out: it has neither a command nor a URL");
    return true;
  });
  if (result->specialists.empty() && result->notes.empty())
    return base::problem{"no-servers", "has no servers in it, as a file of "
                                           + std::string{to_string(source)} + " would have"};
  return result;
}

std::string to_yaml(std::span<const imported> files) {
  std::vector<imported_specialist> servers, models;
  std::string notes;
  names taken;
  for (const auto& file : files) {
    notes += "# From " + std::string{to_string(file.from)} + ".\n";
    for (const auto& note : file.notes) notes += "#   " + comment_line(note) + "\n";
    for (auto one : file.specialists)
      if (taken.place(one))
        (one.is == imported_specialist::kind::model_server ? models : servers)
            .push_back(std::move(one));
  }
  for (auto& one : models) taken.place_aliases(one);
  std::string result = notes + "version: 1\ndepartments:\n";
  for (const auto& [department, all] : {std::pair{"MCP", &servers}, std::pair{"MODELS", &models}}) {
    if (all->empty()) continue;
    result += "  - name: " + std::string{department} + "\n    specialists:\n";
    for (const auto& one : *all) result += specialist_of(one);
  }
  return servers.empty() && models.empty() ? notes + "version: 1\ndepartments: []\n" : result;
}

}  // namespace greenroom::config
