#include "config/import/variables.hpp"

#include <algorithm>
#include <utility>

namespace greenroom::config {
namespace {

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

std::string variable(std::string_view name) { return "${" + std::string{name} + "}"; }

void add_note(std::vector<std::string>& notes, std::string note) {
  if (std::find(notes.begin(), notes.end(), note) == notes.end()) notes.push_back(std::move(note));
}

/// `github-token` becomes GITHUB_TOKEN.
std::string variable_name(std::string_view id) {
  std::string result;
  for (const char c : id)
    result += !is_letter(c) ? '_' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return is_variable(result) ? result : "INPUT_" + result;
}

/// What `${name}` of an editor is; nothing: unknown.
std::optional<std::string> editor_meaning(std::string_view name, std::vector<std::string>& notes) {
  if (name.starts_with("env:") && is_variable(name.substr(4))) return variable(name.substr(4));
  if (name == "userHome") return variable("HOME");
  if (name == "pathSeparator" || name == "/") return "/";
  if (name.starts_with("input:")) {
    const auto wanted = variable_name(name.substr(6));
    add_note(notes, "the editor asks for " + std::string{name.substr(6)} + "; set the variable "
                        + wanted + " in the node's environment");
    return variable(wanted);
  }
  if (name == "workspaceFolder" || name == "workspaceRoot") {
    add_note(notes, "the folder that is open in the editor is the node's working directory here");
    return ".";
  }
  return std::nullopt;
}

/// What `${name}` of a program is; nothing: no variable of it.
std::optional<std::string> meaning(std::string_view name, import_source from,
                                   std::vector<std::string>& notes) {
  switch (from) {
    case import_source::cursor:
    case import_source::vscode: return editor_meaning(name, notes);
    case import_source::claude_code:
    case import_source::gemini:
      if (is_variable(name.substr(0, name.find(":-")))) return variable(name);
      return std::nullopt;
    case import_source::llama_swap:
      if (name.starts_with("env.") && is_variable(name.substr(4))) return variable(name.substr(4));
      return name == "PORT" ? std::optional{variable(name)} : std::nullopt;
    case import_source::claude_desktop:
    case import_source::codex: break;
  }
  return std::nullopt;
}

}  // namespace

bool is_variable(std::string_view name) {
  return !name.empty() && !(name[0] >= '0' && name[0] <= '9')
         && std::all_of(name.begin(), name.end(), is_letter);
}

std::string translated(std::string_view text, import_source from, std::vector<std::string>& notes) {
  std::string result;
  while (!text.empty()) {
    if (text[0] != '$') {
      const auto end = std::min(text.find('$'), text.size());
      result += text.substr(0, end);
      text.remove_prefix(end);
      continue;
    }
    const auto close = text.starts_with("${") ? text.find('}') : std::string_view::npos;
    if (close != std::string_view::npos) {
      const auto name = text.substr(2, close - 2);
      if (const auto found = meaning(name, from, notes)) {
        result += *found;
        text.remove_prefix(close + 1);
        continue;
      }
      const bool literal = from == import_source::claude_desktop || from == import_source::codex;
      if (!literal) add_note(notes, "${" + std::string{name} + "} has no meaning here");
    }
    if (from == import_source::gemini) {
      const auto end = static_cast<std::size_t>(
          std::find_if_not(text.begin() + 1, text.end(), is_letter) - text.begin());
      if (const auto name = text.substr(1, end - 1); is_variable(name)) {
        result += variable(name);
        text.remove_prefix(end);
        continue;
      }
    }
    result += "$$";
    text.remove_prefix(1);
  }
  return result;
}

std::string replaced(
    std::string_view text,
    const std::function<std::optional<std::string>(std::string_view name)>& meaning) {
  std::string result;
  while (!text.empty()) {
    const auto begin = text.find("${");
    const auto close = begin == std::string_view::npos ? begin : text.find('}', begin);
    if (close == std::string_view::npos) break;
    result += text.substr(0, begin);
    const auto found = meaning(text.substr(begin + 2, close - begin - 2));
    result += found ? *found : std::string{text.substr(begin, close - begin + 1)};
    text.remove_prefix(close + 1);
  }
  return result.append(text);
}

std::optional<std::vector<std::string>> shell_words(std::string_view line) {
  std::vector<std::string> result;
  std::string word;
  bool in_word = false, line_begins = true;
  char quote = '\0';
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quote == '\0' && line_begins && c == '#') {
      i = std::min(line.find('\n', i), line.size()) - 1;
    } else if (c == '\\' && quote != '\'' && i + 1 < line.size()) {
      const char next = line[++i];
      if (next == '\n') continue;
      in_word = true;
      if (quote == '"' && next != '"' && next != '\\' && next != '$') word += c;
      word += next;
    } else if (quote != '\0') {
      if (c == quote)
        quote = '\0';
      else
        word += c;
    } else if (c == '"' || c == '\'') {
      quote = c;
      in_word = true;
    } else if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
      if (in_word) result.push_back(std::exchange(word, {}));
      in_word = false;
    } else {
      word += c;
      in_word = true;
    }
    line_begins = c == '\n' || (line_begins && (c == ' ' || c == '\t'));
  }
  if (quote != '\0') return std::nullopt;
  if (in_word) result.push_back(std::move(word));
  return result;
}

}  // namespace greenroom::config
