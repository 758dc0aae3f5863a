// libFuzzer target: no text, as a file, an override or an environment, may crash the loader, make
// it throw, or load something that cannot be written and read again.
//
//   clang++-14 -std=c++20 -g -O1 -fsanitize=fuzzer,address,undefined -I. config/*.cpp \
//     tests/fuzz/config_fuzz.cpp -lyaml-cpp -o config_fuzz
//   ./config_fuzz -max_total_time=60 tests/fuzz/corpus/config
//
// The input is a configuration; lines behind the first line `#---` are overrides, each either
// `key=value` or `GREENROOM_KEY=value`.
#include "config/difference.hpp"
#include "config/loader.hpp"
#include "config/writer.hpp"

#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace config = greenroom::config;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  // Longer inputs only make each round slower.
  if (size > 16'384) return 0;
  std::string_view text{reinterpret_cast<const char*>(bytes), size};
  config::load_options options;
  constexpr std::string_view divider = "\n#---\n";
  if (const auto cut = text.find(divider); cut != std::string_view::npos) {
    auto lines = text.substr(cut + divider.size());
    text = text.substr(0, cut + 1);
    while (!lines.empty()) {
      const auto end = lines.find('\n');
      const auto line = lines.substr(0, end);
      const auto equals = line.find('=');
      if (line.starts_with("GREENROOM_") && equals != std::string_view::npos) {
        options.environment[std::string{line.substr(0, equals)}] = line.substr(equals + 1);
      } else {
        options.sets.emplace_back(line);
      }
      lines = end == std::string_view::npos ? std::string_view{} : lines.substr(end + 1);
    }
  }
  const auto first = config::load_text(text, "fuzz.yaml", options);
  if (!first) {
    if (first.error().empty()) std::abort();
    for (const auto& each : first.error()) (void)config::to_string(each);
  } else {
    const auto again = config::load_text(config::to_yaml(first->value), "again.yaml");
    if (!again || !config::compare(first->value, again->value).empty()) std::abort();
    (void)config::to_yaml(first->value, true);
  }
  return 0;
}
