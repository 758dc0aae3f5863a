// greenroom-bench: measures a node on this machine next to the machine's own limits.
#include "apps/bench/benchmarks.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <functional>

namespace greenroom::bench {
namespace {

struct entry {
  std::string_view name;
  std::vector<result> (*run)(const settings&);
};

constexpr std::array<entry, 10> benchmarks{{{"dispatch", dispatch},
                                            {"open-loop", open_loops},
                                            {"fleet", fleet},
                                            {"process-rtt", process_rtt},
                                            {"process-load", process_load},
                                            {"cold-start", cold_start},
                                            {"http", http},
                                            {"journal", journal},
                                            {"refusal", refusals},
                                            {"policy", policy}}};

settings default_settings() {
  settings result;
  std::error_code ignored;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", ignored);
  result.program = self.string();
  result.bin_directory = self.parent_path().string();
  result.data_directory = std::filesystem::temp_directory_path(ignored).string();
  return result;
}

/// Runs the benchmarks that `names` selects; an empty list selects all but micro.
int run_benchmarks(const std::vector<std::string>& names, const settings& how, bool json) {
  const auto is_selected = [&](std::string_view name) {
    return names.empty() || std::ranges::find(names, name) != names.end();
  };
  int code = 0;
  bool first = true;
  for (const auto& one : benchmarks) {
    if (!is_selected(one.name)) continue;
    if (std::exchange(first, false) && !json)
      std::printf("%-34s %12s %10s %10s %10s\n", "", "tasks/s", "p50 us", "p99 us", "p99.9 us");
    for (const auto& measured : one.run(how)) {
      std::printf("%s", (json ? to_json(measured) + "\n" : to_text(measured)).c_str());
      std::fflush(stdout);
      if (!measured.wrong.empty()) code = 1;
    }
  }
  if (!names.empty() && is_selected("micro")) code = std::max(code, micro(json));
  return code;
}

int run(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  auto how = default_settings();
  const std::vector<std::string> rest(argv + std::min(argc, 2), argv + argc);
  if (argc > 1 && std::string_view{argv[1]} == "fleet-child") return fleet_child(rest);
  if (argc > 1 && std::string_view{argv[1]} == "http-child") return http_child(rest);

  CLI::App app{"Runs Greenroom's benchmarks through the whole path, each next to its floor."};
  app.footer(
      "Example: greenroom-bench dispatch http --json\n"
      "Every benchmark alternates with its floor; what is shown are medians.");
  std::vector<std::string> names;
  bool json = false;
  app.add_option(
      "NAME", names,
      "dispatch, open-loop, fleet, process-rtt, process-load, cold-start, http, "
      "journal, refusal, policy; micro for the small pieces. Without one: all but micro");
  app.add_flag("--json", json, "One JSON object a line");
  app.add_option("--seconds", how.seconds, "Length of one measurement")
      ->capture_default_str()
      ->check(CLI::Range(0.05, 3600.0));
  app.add_option("--rounds", how.rounds, "How often each takes its turn")
      ->capture_default_str()
      ->check(CLI::Range(1, 99));
  app.add_option("--data", how.data_directory, "Where scratch files go; the disk of the journal")
      ->capture_default_str();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  for (const auto& name : names)
    if (name != "micro" && std::ranges::find(benchmarks, name, &entry::name) == benchmarks.end()) {
      std::fprintf(stderr, "greenroom-bench: there is no benchmark named %s; see --help\n",
                   name.c_str());
      return 2;
    }
  return run_benchmarks(names, how, json);
}

}  // namespace

#ifndef GREENROOM_MICRO
int micro(bool) {
  std::fprintf(stderr, "greenroom-bench: built without Google Benchmark (libbenchmark-dev)\n");
  return 1;
}
#endif

std::string run_child(const settings& how, const std::string& arguments) {
  auto* pipe = ::popen(("'" + how.program + "' " + arguments).c_str(), "r");
  if (pipe == nullptr) return {};
  std::string output;
  std::array<char, 4096> buffer;
  while (std::fgets(buffer.data(), buffer.size(), pipe) != nullptr) output += buffer.data();
  ::pclose(pipe);
  return output;
}

}  // namespace greenroom::bench

int main(int argc, char** argv) {
  try {
    return greenroom::bench::run(argc, argv);
  } catch (const std::exception& failed) {
    std::fprintf(stderr, "greenroom-bench: %s\n", failed.what());
    return 1;
  }
}
