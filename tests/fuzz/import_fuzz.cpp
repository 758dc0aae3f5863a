// Any bytes as the configuration of another program: no crash, and what is written is YAML.
//
// clang++-14 -std=c++20 -g -O1 -fsanitize=fuzzer,address,undefined -I.
// tests/fuzz/import_fuzz.cpp
//     config/*.cpp config/import/*.cpp protocols/base/*.cpp -lyaml-cpp
#include "config/import/imported.hpp"
#include "config/import/source_tree.hpp"
#include "config/tree.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string_view>
#include <vector>

namespace config = greenroom::config;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  // Longer inputs only make each round slower.
  if (size > 8192) return 0;
  const std::string_view text{reinterpret_cast<const char*>(bytes), size};
  static_cast<void>(config::tree_of_toml(text));
  for (const auto from :
       {std::optional<config::import_source>{}, std::optional{config::import_source::codex},
        std::optional{config::import_source::cursor},
        std::optional{config::import_source::gemini}}) {
    const auto got = config::import_text(text, from);
    if (!got) continue;
    if (!config::parse_tree(config::to_yaml(std::array{*got}), "fuzz").problems.empty())
      std::abort();
  }
  return 0;
}
