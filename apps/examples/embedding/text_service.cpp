// Two C++ callables as specialists of an embedded node. Input and output are JSON text.
#include <greenroom/greenroom.hpp>

#include <algorithm>
#include <cctype>
#include <cstdio>

constexpr auto cast = R"(departments:
  - name: TEXT
    specialists:
      - { name: shout, backend: { kind: function } }
      - { name: count, backend: { kind: function } })";

std::string shout(const std::string& input) {
  auto louder = input;
  std::ranges::transform(louder, louder.begin(), [](unsigned char c) { return std::toupper(c); });
  return louder;
}
std::string count(const std::string& input) { return std::to_string(input.size() - 2); }

int main() {
  auto started = greenroom::node::start(greenroom::config::load_text(cast, "cast")->value,
                                        {{"shout", shout}, {"count", count}},
                                        {.bin_directory = {}, .without_journal = true});
  if (!started) {
    std::fprintf(stderr, "%s\n", started.error().text.c_str());
    return 1;
  }
  auto& node = **started;
  auto first = node.submit({.specialist = "shout", .input = R"("hello")"});
  auto second = node.submit({.specialist = "count", .input = R"("hello")"});
  std::printf("%s has %s letters\n", first.get().output.c_str(), second.get().output.c_str());
}
