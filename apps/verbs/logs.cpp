// `greenroom logs`: the last lines that a worker wrote to standard error.
#include "apps/client/asking.hpp"
#include "apps/client/terminal.hpp"
#include "apps/client/verb.hpp"

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <thread>

namespace greenroom::apps {
namespace {

using nlohmann::json;

struct logs_options {
  asking how;
  std::string specialist;
  std::size_t lines = 100;
  bool follow = false;
};

constexpr std::chrono::milliseconds poll_period{500};

/// Prints the lines after number `after`. Returns the last line's number, or nothing on failure.
std::optional<std::uint64_t> print_after(node_client& client, const logs_options& o,
                                         std::uint64_t after) {
  const auto found = client.get("/v1/specialists/" + url_escape(o.specialist) + "/logs?lines="
                                + std::to_string(o.lines) + "&after=" + std::to_string(after));
  if (!found) return std::nullopt;
  const auto items = found->value("items", json::array());
  if (o.how.as_json && !o.follow) print_json(*found);
  for (const auto& one : items) {
    after = static_cast<std::uint64_t>(number_of(one, "number"));
    if (o.how.as_json) {
      if (o.follow) std::printf("%s\n", shown_text(written(one)).c_str());
      continue;
    }
    std::printf("%s  %s\n", paint(local_time(number_of(one, "unix_ms")), colour::grey).c_str(),
                text_of(one, "line").c_str());
  }
  return after;
}

int logs(const logs_options& o) {
  node_client client{o.how};
  auto after = print_after(client, o, 0);
  if (after && *after == 0 && !o.how.as_json && !o.follow)
    std::printf("%s has written nothing to standard error\n", o.specialist.c_str());
  while (after && o.follow && flush_output() && !is_output_closed()) {
    std::this_thread::sleep_for(poll_period);
    after = print_after(client, o, *after);
  }
  return after ? done : client.code();
}

}  // namespace

void define_logs(CLI::App& verb, outcome& result) {
  verb.description("The last lines a worker wrote to standard error");
  auto o = std::make_shared<logs_options>();
  verb.add_option("NAME", o->specialist, "A specialist, or an alias of one")->required();
  verb.add_option("--lines", o->lines, "Print at most this many lines")
      ->capture_default_str()
      ->check(CLI::Range(1, 10'000));
  verb.add_flag("--follow", o->follow, "Print new lines until Ctrl-C");
  add_asking_options(verb, o->how);
  verb.footer(
      "The node keeps at most 64 KiB of each specialist's lines, also of workers that have ended.\n"
      "\nExample:\n"
      "  greenroom logs api-architect --lines 20\n"
      "  greenroom logs api-architect --follow");
  verb.callback([o, &result] { result.code = logs(*o); });
}

}  // namespace greenroom::apps
