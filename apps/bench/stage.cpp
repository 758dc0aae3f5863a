#include "apps/bench/stage.hpp"

#include "actors/node/parts.hpp"
#include "runtime/load/weighted_choice.hpp"

#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <thread>
#include <utility>

namespace greenroom::bench {

std::int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

double resident_bytes() {
  auto* file = std::fopen("/proc/self/statm", "r");
  if (file == nullptr) return 0;
  long size = 0, resident = 0;
  const int read = std::fscanf(file, "%ld %ld", &size, &resident);
  std::fclose(file);
  return read == 2 ? static_cast<double>(resident) * static_cast<double>(::sysconf(_SC_PAGESIZE))
                   : 0;
}

std::string name_of(std::size_t specialist) { return "actor-" + std::to_string(specialist); }

namespace {

// The number as two hex digits per byte, which JSON does not escape.
constexpr std::size_t letters = 16;
constexpr auto pairs = [] {
  std::array<std::array<char, 2>, 256> result{};
  for (std::size_t i = 0; i < result.size(); ++i)
    result[i] = {"0123456789abcdef"[i / 16], "0123456789abcdef"[i % 16]};
  return result;
}();

std::array<char, letters> written(std::uint64_t number) {
  std::array<char, letters> result;
  for (std::size_t i = 0; i < letters; i += 2, number >>= 8U)
    std::memcpy(&result[i], pairs[number & 255U].data(), 2);
  return result;
}

constexpr auto blank = [] {
  std::array<char, payload_bytes> result{};
  result.fill('x');
  result.front() = result.back() = '"';
  return result;
}();

}  // namespace

void write_input(std::string& into, std::uint64_t number) {
  into.assign(blank.data(), blank.size());
  const auto text = written(number);
  std::memcpy(into.data() + 1, text.data(), text.size());
}

bool answers(const std::string& output, std::uint64_t number) {
  const auto text = written(number);
  return output.size() == payload_bytes && output.back() == '"'
         && std::memcmp(output.data() + 1, text.data(), text.size()) == 0;
}

std::vector<std::uint32_t> zipf_picks(std::size_t specialists) {
  constexpr std::size_t count = 65'536;
  const auto weights = runtime::load::zipf_weights(specialists, 1.0);
  const runtime::load::weighted_choice choice{weights};
  base::random_source random{12'345};
  std::vector<std::uint32_t> picks(count);
  for (auto& one : picks) one = static_cast<std::uint32_t>(choice.pick(random));
  return picks;
}

std::vector<double> exponential_gaps(double rate_per_s) {
  constexpr std::size_t count = 65'536;
  base::random_source random{4'711};
  std::vector<double> gaps(count);
  for (auto& one : gaps) one = random.exponential(1e9 / rate_per_s);
  return gaps;
}

scratch_directory::scratch_directory(const settings& how) {
  static std::atomic<int> serial{0};
  path_ = how.data_directory + "/greenroom-bench-" + std::to_string(::getpid()) + "-"
          + std::to_string(serial++);
  std::filesystem::create_directories(path_);
}

scratch_directory::~scratch_directory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

config::node cast_of(std::size_t specialists) {
  config::node result;
  result.listen = "127.0.0.1:0";
  result.departments.resize(departments);
  for (std::size_t i = 0; i < departments; ++i)
    result.departments[i].name = "DEPARTMENT-" + std::to_string(i);
  for (std::size_t i = 0; i < specialists; ++i) {
    config::specialist one;
    one.name = name_of(i);
    result.departments[i % departments].specialists.push_back(std::move(one));
  }
  return result;
}

functions echo_functions(std::size_t specialists) {
  functions result{cast_of(specialists), {}};
  result.callables.reserve(specialists);
  for (auto& department : result.configuration.departments)
    for (auto& one : department.specialists) {
      one.backend.kind = config::backend_kind::function;
      result.callables.push_back({one.name, [](const std::string& input) { return input; }, true});
    }
  return result;
}

config::node echo_processes(std::size_t specialists, const settings& how) {
  auto result = cast_of(specialists);
  result.pool.max_warm = specialists;
  result.pool.cooldown = std::chrono::hours{1};
  result.pool.min_residency = std::chrono::milliseconds{0};
  for (auto& department : result.departments)
    for (auto& one : department.specialists) {
      one.backend.kind = config::backend_kind::process;
      one.backend.protocol = config::worker_protocol::msgpack;
      one.backend.command = {how.bin_directory + "/greenroom-echo-worker"};
    }
  return result;
}

void await_warm(const node& of, std::size_t how_many) {
  // Counting warm specialists takes time in proportion to their number.
  const std::chrono::milliseconds look{1 + how_many / 5000};
  while (of.status().warm < how_many) std::this_thread::sleep_for(look);
}

node_or_error open_functions(functions cast, bool without_journal) {
  node::options options;
  options.without_journal = without_journal;
  const auto count = config::count_specialists(cast.configuration);
  auto started = node::start(std::move(cast.configuration), std::move(cast.callables), options);
  if (!started) return started.error().text;
  auto result = *std::move(started);
  await_warm(*result, count);
  return result;
}

node_or_error open_processes(config::node configuration, const settings& how) {
  node::options options;
  options.without_journal = true;
  options.bin_directory = how.bin_directory;
  auto started = node::start(std::move(configuration), {}, options);
  if (!started) return started.error().text;
  return *std::move(started);
}

door_or_error open_door(node& of) {
  auto& inside = of.inside();
  doors::http_door_options options;
  options.limits = inside.state->catalogs.now().config.limits;
  auto opened = doors::http_door::open(of, *inside.engine, std::move(options));
  if (!opened) return opened.error().text;
  return *std::move(opened);
}

}  // namespace greenroom::bench
