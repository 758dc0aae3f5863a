// `greenroom export` and `greenroom version`.
#include "apps/client/asking.hpp"
#include "apps/client/verb.hpp"

#include <cstdio>
#include <fstream>
#include <memory>

namespace greenroom::apps {
namespace {

struct export_options {
  asking how;
  std::string file;
};

int export_state(const export_options& o) {
  node_client client{o.how};
  const auto state = client.get("/v1/export");
  if (!state) return client.code();
  if (o.file.empty()) {
    print_json(*state);
    return done;
  }
  std::ofstream out{o.file, std::ios::binary};
  out << state->dump() << '\n';
  if (!out.flush()) {
    say_problem("cannot-write", "cannot write \"" + o.file + "\" — is there room and permission?");
    return failed;
  }
  std::printf("%s\n", o.file.c_str());
  return done;
}

}  // namespace

void define_export(CLI::App& verb, outcome& result) {
  verb.description("Write the durable and the learned state as JSON");
  auto o = std::make_shared<export_options>();
  verb.add_option("--output", o->file, "Write to this file instead of stdout")->type_name("FILE");
  add_asking_options(verb, o->how);
  verb.footer("Example:\n  greenroom export --output state.json");
  verb.callback([o, &result] { result.code = export_state(*o); });
}

void define_version(CLI::App& verb, outcome& result) {
  verb.description("Print the version and the build");
  auto as_json = std::make_shared<bool>(false);
  verb.add_flag("--json", *as_json, "Print JSON");
  verb.footer("Example:\n  greenroom version --json");
  verb.callback([as_json, &result] {
    if (*as_json)
      print_json({{"version", GREENROOM_VERSION},
                  {"build", GREENROOM_BUILD_TYPE},
                  {"compiler", GREENROOM_COMPILER}});
    else
      std::printf("greenroom %s (%s, %s)\n", GREENROOM_VERSION, GREENROOM_BUILD_TYPE,
                  GREENROOM_COMPILER);
    result.code = done;
  });
}

}  // namespace greenroom::apps
