#include "config/import/readers.hpp"
#include "config/import/variables.hpp"
#include "protocols/base/number.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <optional>
#include <set>
#include <utility>

namespace greenroom::config {
namespace {

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
  server_reader(const std::string& name, const tree& server, import_source from)
      : name_{name}, server_{server}, from_{from} {}

  base::expected<imported_specialist, base::problem> read() {
    one_.name = valid_name(name_);
    if (one_.name != name_) note("was called '" + name_ + "'");
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
    if (problem_) return *std::move(problem_);
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
    for (auto& [name, value] : texts("env")) set_env(one_, std::move(name), std::move(value));
    one_.cwd = own(text("cwd"));
    if (downloads(words[0])) one_.start_timeout_s = download_timeout_s;
  }

  void read_remote() {
    one_.is = imported_specialist::kind::mcp_remote;
    for (const auto* key : {"httpUrl", "url", "serverUrl"})
      if (one_.url.empty()) one_.url = own(text(key));
    for (const auto* key : {"headers", "http_headers"})
      for (auto& [name, value] : texts(key)) set_header(one_, std::move(name), std::move(value));
    used_.insert("env_http_headers");
    if (const auto* const map = server_.find("env_http_headers"))
      for (const auto& entry : map->entries)
        set_header(one_, entry.key, variable("env_http_headers." + entry.key, entry.value));
    const std::string token = "bearer_token_env_var";
    used_.insert(token);
    if (const auto* const named = server_.find(token))
      set_header(one_, "Authorization", "Bearer " + variable(token, *named));
  }

  /// `${NAME}` for the variable that is named under `key`.
  std::string variable(const std::string& key, const tree& named) {
    if (named.is == tree::kind::scalar && is_variable(named.text)) return "${" + named.text + "}";
    if (!problem_)
      problem_ = {"bad-variable",
                  "has the server '" + name_ + "', in which " + key + " is " + describe_value(named)
                      + ", not the name of an environment variable: letters, digits and _, and "
                        "no digit first"};
    return {};
  }

  void read_times() {
    // Milliseconds, but for Codex, which says so.
    if (const auto ms = number("timeout"); ms > 0) one_.task_timeout_s = ms / 1000;
    if (const auto s = number("tool_timeout_sec"); s > 0) one_.task_timeout_s = s;
    if (const auto ms = number("startup_timeout_ms"); ms > 0) one_.start_timeout_s = ms / 1000;
    if (const auto s = number("startup_timeout_sec"); s > 0) one_.start_timeout_s = s;
  }

  const std::string& name_;
  const tree& server_;
  import_source from_;
  imported_specialist one_;
  std::optional<base::problem> problem_;  ///< The first one.
  std::set<std::string, std::less<>> used_;
};

bool is_off(const tree& server) {
  return text_under(server, "disabled") == "true" || text_under(server, "enabled") == "false";
}

/// A map of servers in a client's file.
struct server_map {
  const tree* servers = nullptr;
  std::vector<std::string> excluded;
  const std::string* project = nullptr;  ///< Its folder; nullptr: of no project.
};

std::vector<server_map> server_maps(const tree& file, import_source from) {
  if (from == import_source::codex) return {{file.find("mcp_servers"), {}, nullptr}};
  std::vector<server_map> result;
  std::vector<std::string> excluded;
  if (const auto* const mcp = file.find("mcp")) {
    excluded = texts_under(*mcp, "excluded");
    result.push_back({mcp->find("servers"), {}, nullptr});
  }
  result.push_back({file.find("servers"), {}, nullptr});
  result.push_back({file.find("mcpServers"), std::move(excluded), nullptr});
  if (const auto* const projects = file.find("projects"))
    for (const auto& [path, at, project, merges] : projects->entries)
      result.push_back({project.find("mcpServers"), {}, &path});
  return result;
}

void place_in_project(imported_specialist& one, const std::string& path) {
  one.notes.push_back("was of the project " + path);
  if (one.is == imported_specialist::kind::mcp_process && one.cwd.empty())
    one.cwd = translated(path, import_source::claude_desktop, one.notes);
}

template <class Same>
void set_text(std::vector<name_and_text>& to, std::string name, std::string value, Same same,
              std::vector<std::string>& notes) {
  const auto found = std::find_if(
      to.begin(), to.end(), [&](const name_and_text& each) { return same(each.first, name); });
  if (found == to.end()) {
    to.emplace_back(std::move(name), std::move(value));
    return;
  }
  auto note = name + " is set more than once: the last value is kept";
  if (std::find(notes.begin(), notes.end(), note) == notes.end()) notes.push_back(std::move(note));
  *found = {std::move(name), std::move(value)};
}

}  // namespace

void set_env(imported_specialist& one, std::string name, std::string value) {
  set_text(one.env, std::move(name), std::move(value), std::equal_to<>{}, one.notes);
}

void set_header(imported_specialist& one, std::string name, std::string value) {
  const auto lower = [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  };
  const auto same = [&](std::string_view a, std::string_view b) {
    return std::ranges::equal(a, b, {}, lower, lower);
  };
  set_text(one.headers, std::move(name), std::move(value), same, one.notes);
}

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

base::expected<imported, base::problem> read_mcp_client(const tree& file, import_source from) {
  imported result;
  result.from = from;
  for (const auto& [servers, excluded, project] : server_maps(file, from)) {
    if (servers == nullptr) continue;
    for (const auto& [name, at, server, merges] : servers->entries) {
      if (server.is != tree::kind::map) continue;
      if (is_off(server) || std::find(excluded.begin(), excluded.end(), name) != excluded.end()) {
        result.notes.push_back("'" + name + "' is left out: it is switched off");
        continue;
      }
      auto one = server_reader{name, server, from}.read();
      if (!one) return one.error();
      if (project != nullptr) place_in_project(*one, *project);
      result.specialists.push_back(*std::move(one));
    }
  }
  return result;
}

}  // namespace greenroom::config
