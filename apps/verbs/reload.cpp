// `greenroom reload`: the node reads its configuration again, as after SIGHUP.
#include "apps/client/asking.hpp"
#include "apps/verbs/all.hpp"

#include <cstdio>
#include <memory>

namespace greenroom::apps {
namespace {

int reload(const asking& how) {
  node_client client{how};
  const auto came = client.call("POST", "/v1/reload", nlohmann::json::object());
  if (!came) return client.code();
  if (how.as_json)
    print_json(*came);
  else
    std::printf("applied: %s\n", text_of(*came, "source", "the configuration").c_str());
  return done;
}

}  // namespace

void add_reload(CLI::App& program, outcome& result) {
  auto* verb = program.add_subcommand("reload", "Make the node read its configuration again");
  verb->group(group::change);
  auto how = std::make_shared<asking>();
  add_asking_options(*verb, *how);
  verb->footer(
      "The node checks the whole configuration, then applies all of it or nothing, as after\n"
      "SIGHUP. Exit code 1 when it is refused; the message names file, line and key.\n\n"
      "Example:\n  greenroom reload");
  verb->callback([how, &result] { result.code = reload(*how); });
}

}  // namespace greenroom::apps
