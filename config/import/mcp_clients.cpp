#include "config/import/readers.hpp"
#include "config/import/variables.hpp"
#include "protocols/base/number.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

namespace greenroom::config {
namespace {

using notes_list = std::vector<std::string>;

/// A server whose first start may have to download a package.
bool downloads(std::string_view program) {
  constexpr std::array<std::string_view, 8> known{"npx", "uvx",  "bunx",   "pnpm",
                                                  "uv",  "pipx", "docker", "podman"};
  program.remove_prefix(program.find_last_of("/\\") + 1);
  return std::find(known.begin(), known.end(), program) != known.end();
}
constexpr double download_timeout_s = 120;

/// Keys that say nothing about the server itself, or that hold by themselves in Greenroom.
bool is_silent(std::string_view key) {
  constexpr std::array<std::string_view, 6> known{"type",        "transport", "enabled",
                                                  "description", "name",      "required"};
  return std::find(known.begin(), known.end(), key) != known.end();
}

/// Why a key is not kept; empty: it is only named.
std::string_view reason_for(std::string_view key) {
  struct reason {
    std::string_view key, why;
  };
  constexpr std::array<reason, 12> known{{
      {"alwaysAllow", "clients ask their users"},
      {"autoApprove", "clients ask their users"},
      {"trust", "clients ask their users"},
      {"includeTools", "all tools are offered"},
      {"excludeTools", "all tools are offered"},
      {"enabled_tools", "all tools are offered"},
      {"disabled_tools", "all tools are offered"},
      {"envFile", "put its variables under env"},
      {"oauth", "put a token into headers"},
      {"auth", "put a token into headers"},
      {"headersHelper", "put a token into headers"},
      {"env_vars", "the server inherits the node's environment"},
  }};
  for (const auto& one : known)
    if (one.key == key) return one.why;
  return {};
}

class server_reader {
public:
  server_reader(const tree& server, import_source from) : server_{server}, from_{from} {}

  imported_specialist read(std::string_view name) {
    one_.name = valid_name(name);
    if (one_.name != name) note("was called '" + std::string{name} + "'");
    if (!text("httpUrl").empty() || !text("url").empty() || !text("serverUrl").empty())
      read_remote();
    else
      read_command();
    read_times();
    for (const auto& entry : server_.entries) {
      if (is_silent(entry.key) || used_.contains(entry.key)) continue;
      const auto why = reason_for(entry.key);
      note(entry.key + " is not kept" + (why.empty() ? "" : ": ") + std::string{why});
    }
    return std::move(one_);
  }

private:
  std::string_view text(std::string_view key) {
    used_.insert(std::string{key});
    return text_under(server_, key);
  }
  double number(std::string_view key) {
    used_.insert(std::string{key});
    return number_under(server_, key);
  }
  void note(std::string what) { one_.notes.push_back(std::move(what)); }
  std::string own(std::string_view value) { return translated(value, from_, one_.notes); }

  std::vector<name_and_text> texts(std::string_view key) {
    used_.insert(std::string{key});
    std::vector<name_and_text> result;
    if (const auto* const map = server_.find(key))
      for (const auto& entry : map->entries)
        if (entry.value.is == tree::kind::scalar)
          result.emplace_back(entry.key, own(entry.value.text));
    return result;
  }

  void read_command() {
    one_.is = imported_specialist::kind::mcp_process;
    std::vector<std::string> words{std::string{text("command")}};
    used_.insert("args");
    const auto more = texts_under(server_, "args");
    if (more.empty() && words[0].find(' ') != std::string::npos && words[0].find('/') != 0)
      if (auto cut = shell_words(words[0]); cut && !cut->empty()) words = *std::move(cut);
    words.insert(words.end(), more.begin(), more.end());
    for (const auto& word : words) one_.command.push_back(own(word));
    one_.env = texts("env");
    one_.cwd = own(text("cwd"));
    if (downloads(words[0])) one_.start_timeout_s = download_timeout_s;
  }

  void read_remote() {
    one_.is = imported_specialist::kind::mcp_remote;
    for (const auto* key : {"httpUrl", "url", "serverUrl"})
      if (one_.url.empty()) one_.url = own(text(key));
    one_.headers = texts("headers");
    for (auto& header : texts("http_headers")) one_.headers.push_back(std::move(header));
    used_.insert("env_http_headers");
    if (const auto* const map = server_.find("env_http_headers"))
      for (const auto& entry : map->entries)
        one_.headers.emplace_back(entry.key, "${" + entry.value.text + "}");
    if (const auto variable = text("bearer_token_env_var"); !variable.empty())
      one_.headers.emplace_back("Authorization", "Bearer ${" + std::string{variable} + "}");
  }

  void read_times() {
    // Milliseconds, but for Codex, which says so.
    if (const auto ms = number("timeout"); ms > 0) one_.task_timeout_s = ms / 1000;
    if (const auto s = number("tool_timeout_sec"); s > 0) one_.task_timeout_s = s;
    if (const auto ms = number("startup_timeout_ms"); ms > 0) one_.start_timeout_s = ms / 1000;
    if (const auto s = number("startup_timeout_sec"); s > 0) one_.start_timeout_s = s;
  }

  const tree& server_;
  import_source from_;
  imported_specialist one_;
  std::set<std::string, std::less<>> used_;
};

bool is_off(const tree& server) {
  return text_under(server, "disabled") == "true" || text_under(server, "enabled") == "false";
}

void read_servers(imported& to, const tree* servers, const std::vector<std::string>& excluded) {
  if (servers == nullptr) return;
  for (const auto& [key, at, server, merges] : servers->entries) {
    if (server.is != tree::kind::map) continue;
    if (is_off(server) || std::find(excluded.begin(), excluded.end(), key) != excluded.end()) {
      to.notes.push_back("'" + key + "' is left out: it is switched off");
      continue;
    }
    to.specialists.push_back(server_reader{server, to.from}.read(key));
  }
}

}  // namespace

std::string_view text_under(const tree& map, std::string_view key) {
  const auto* const found = map.find(key);
  return found != nullptr && found->is == tree::kind::scalar ? std::string_view{found->text}
                                                             : std::string_view{};
}

std::vector<std::string> texts_under(const tree& map, std::string_view key) {
  std::vector<std::string> result;
  if (const auto* const found = map.find(key))
    for (const auto& item : found->items)
      if (item.is == tree::kind::scalar) result.push_back(item.text);
  return result;
}

double number_under(const tree& map, std::string_view key) {
  const auto number = base::parse_finite(text_under(map, key));
  return number && *number > 0 ? *number : 0;
}

std::string valid_name(std::string_view name) {
  constexpr std::string_view signs = "_-.:@+/";
  std::string result{name};
  for (auto& c : result)
    if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')
          || signs.find(c) != std::string_view::npos))
      c = '-';
  while (result.starts_with('/')) result.erase(0, 1);
  while (result.ends_with('/')) result.pop_back();
  return result.empty() ? "server" : result;
}

imported read_mcp_client(const tree& file, import_source from) {
  imported result;
  result.from = from;
  if (from == import_source::codex) {
    read_servers(result, file.find("mcp_servers"), {});
    return result;
  }
  std::vector<std::string> excluded;
  if (const auto* const mcp = file.find("mcp")) {
    excluded = texts_under(*mcp, "excluded");
    read_servers(result, mcp->find("servers"), {});
  }
  read_servers(result, file.find("servers"), {});
  read_servers(result, file.find("mcpServers"), excluded);
  if (const auto* const projects = file.find("projects"))
    for (const auto& [path, at, project, merges] : projects->entries) {
      const auto before = result.specialists.size();
      read_servers(result, project.find("mcpServers"), {});
      for (auto i = before; i < result.specialists.size(); ++i) {
        auto& one = result.specialists[i];
        one.notes.push_back("was of the project " + path);
        if (one.is == imported_specialist::kind::mcp_process && one.cwd.empty())
          one.cwd = translated(path, import_source::claude_desktop, one.notes);
      }
    }
  return result;
}

}  // namespace greenroom::config
