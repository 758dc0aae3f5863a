// `greenroom reload`: makes the node read its configuration again, like SIGHUP.
#include "apps/client/asking.hpp"
#include "apps/client/verb.hpp"

#include <cstdio>
#include <memory>

namespace greenroom::apps {
namespace {

void print_change(const nlohmann::json& answer) {
  std::printf("%s: %s\n", text_of(answer, "source", "the configuration").c_str(),
              text_of(answer, "change", "applied").c_str());
  const auto workers = number_of(answer, "workers_to_replace");
  if (workers > 0)
    std::printf("%.0f workers run an old definition; each is replaced once it is idle\n", workers);
  for (const auto& warning : answer.value("warnings", nlohmann::json::array()))
    if (warning.is_string())
      std::printf("warning: %s\n", shown_text(warning.get<std::string>()).c_str());
}

int reload(const asking& how) {
  node_client client{how};
  const auto answer = client.call("POST", "/v1/reload", nlohmann::json::object());
  if (!answer) return client.code();
  if (how.as_json)
    print_json(*answer);
  else
    print_change(*answer);
  return done;
}

}  // namespace

void define_reload(CLI::App& verb, outcome& result) {
  verb.description("Make the node read its configuration again");
  auto how = std::make_shared<asking>();
  add_asking_options(verb, *how);
  verb.footer(
      "The node checks the whole configuration, then applies all of it or nothing, as after\n"
      "SIGHUP. Exit code 1 when it is refused; the message names file, line and key.\n\n"
      "Example:\n  greenroom reload");
  verb.callback([how, &result] { result.code = reload(*how); });
}

}  // namespace greenroom::apps
