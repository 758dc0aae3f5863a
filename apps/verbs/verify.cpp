// `greenroom verify`: checks that every specialist, command and workflow answers.
#include "apps/client/asking.hpp"
#include "apps/client/terminal.hpp"
#include "apps/client/verb.hpp"

#include <chrono>
#include <cstdio>
#include <memory>

namespace greenroom::apps {
namespace {

using nlohmann::json;

void print_findings(const json& found) {
  for (const char* kind : {"specialists", "commands", "workflows"}) {
    const auto items = found.value(kind, json::array());
    std::size_t good = 0;
    for (const auto& one : items)
      if (one.value("passed", false)) ++good;
    std::printf("%-12s %zu of %zu answer\n", kind, good, items.size());
    for (const auto& one : items)
      if (!one.value("passed", false))
        print_text("  " + paint("failed", colour::red) + "  " + text_of(one, "name") + ": "
                   + text_of(one, "text") + "\n");
  }
  const bool passed = found.value("passed", false);
  std::printf("%s\n", passed ? paint("passed", colour::green).c_str()
                             : paint("failed: " + fixed(number_of(found, "failed"), 0) + " of "
                                         + fixed(number_of(found, "checked"), 0),
                                     colour::red)
                                   .c_str());
}

int verify_deployment(const asking& how) {
  // The node starts every cold specialist, a few at a time.
  constexpr std::chrono::minutes patience{30};
  node_client client{how};
  const auto found = client.call("POST", "/v1/verify", json::object(), patience);
  if (!found) return client.code();
  if (how.as_json)
    print_json(*found);
  else
    print_findings(*found);
  return found->value("passed", false) ? done : failed;
}

}  // namespace

void define_verify(CLI::App& verb, outcome& result) {
  verb.description("Check a running deployment: every specialist, command and workflow");
  auto how = std::make_shared<asking>();
  add_asking_options(verb, *how);
  verb.footer(
      "Each specialist, command and workflow gets one harmless task, except specialists with\n"
      "unsafe side effects.\n"
      "Exit code 1 when something does not answer.\n\n"
      "Example:\n  greenroom verify --json");
  verb.callback([how, &result] { result.code = verify_deployment(*how); });
}

}  // namespace greenroom::apps
