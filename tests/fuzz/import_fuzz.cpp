// Any bytes as the configuration of another program: no crash, and what is written is YAML without
// a duplicate key, of bounded texts, in which each `$` is doubled or begins a variable.
//
// clang++-14 -std=c++20 -g -O1 -fsanitize=fuzzer,address,undefined -I.
// tests/fuzz/import_fuzz.cpp
//     config/*.cpp config/import/*.cpp protocols/base/*.cpp -lyaml-cpp
#include "config/import/imported.hpp"
#include "config/import/source_tree.hpp"
#include "config/import/variables.hpp"
#include "config/tree.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string_view>
#include <vector>

namespace config = greenroom::config;

namespace {

constexpr std::array<std::optional<config::import_source>, 8> sources{
    std::nullopt,
    config::import_source::claude_desktop,
    config::import_source::claude_code,
    config::import_source::cursor,
    config::import_source::vscode,
    config::import_source::codex,
    config::import_source::gemini,
    config::import_source::llama_swap};

/// Macros expand to 64 KiB at most, and each `$` of them may be doubled.
constexpr std::size_t text_bytes_max = 128 << 10;

bool has_only_variables(std::string_view text) {
  for (auto at = text.find('$'); at != std::string_view::npos; at = text.find('$')) {
    text.remove_prefix(at + 1);
    std::size_t taken = 1;
    if (text.starts_with('{')) {
      taken = text.find('}');
      if (taken == std::string_view::npos) return false;
      const auto name = text.substr(1, taken - 1);
      if (!config::is_variable(name.substr(0, name.find(":-")))) return false;
    } else if (!text.starts_with('$')) {
      return false;
    }
    text.remove_prefix(taken);
  }
  return true;
}

bool is_good(const config::tree& written) {
  return written.text.size() <= text_bytes_max && has_only_variables(written.text)
         && std::all_of(written.items.begin(), written.items.end(), is_good)
         && std::all_of(written.entries.begin(), written.entries.end(),
                        [](const config::tree_entry& entry) {
                          // The loader expands no variables in it.
                          return entry.key == "health" || is_good(entry.value);
                        });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  // Longer inputs only make each round slower.
  if (size > 8192) return 0;
  const std::string_view text{reinterpret_cast<const char*>(bytes), size};
  static_cast<void>(config::tree_of_toml(text));
  for (const auto from : sources) {
    const auto got = config::import_text(text, from);
    if (!got) continue;
    const auto written = config::parse_tree(config::to_yaml(std::array{*got}), "fuzz");
    if (!written.problems.empty() || !is_good(written.value)) std::abort();
  }
  return 0;
}
