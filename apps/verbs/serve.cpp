// `greenroom serve`: one node with its HTTP door, from start to drain.
#include "actors/doors/http_door.hpp"
#include "actors/node.hpp"
#include "actors/node_parts.hpp"
#include "apps/client/problem_line.hpp"
#include "apps/verbs/all.hpp"
#include "apps/verbs/logging.hpp"
#include "apps/verbs/source.hpp"

#include <nlohmann/json.hpp>

#include <malloc.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <variant>

namespace greenroom::apps {
namespace {

using nlohmann::json;

/// After the drain, for clients that read slowly.
constexpr std::chrono::seconds answers_get_out{2};

/// Tells systemd how the service is doing (sd_notify(3)), when it asked to be told.
void notify_service_manager(std::string_view state) {
  const char* path = std::getenv("NOTIFY_SOCKET");
  if (path == nullptr || *path == '\0') return;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::size_t length = std::strlen(path);
  if (length >= sizeof address.sun_path) return;
  std::memcpy(address.sun_path, path, length);
  if (address.sun_path[0] == '@') address.sun_path[0] = '\0';  // An abstract socket.
  const int socket = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (socket < 0) return;
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + length);
  [[maybe_unused]] const auto sent =
      ::sendto(socket, state.data(), state.size(), MSG_NOSIGNAL,
               reinterpret_cast<const sockaddr*>(&address), size);  // NOLINT
  ::close(socket);
}

/// The signals that `serve` waits for. SIGUSR1 is how the draining thread says that it is done.
sigset_t awaited_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGUSR1}) sigaddset(&set, number);
  return set;
}

int next_signal(const sigset_t& set) {
  int number = 0;
  while (sigwait(&set, &number) != 0) {
  }
  return number;
}

/// Whole or not at all: a wrong file leaves everything as it was and says what is wrong.
void reload(node& running, const configuration_source& source) {
  notify_service_manager("RELOADING=1");
  auto loaded = read_configuration(source);
  if (!loaded) {
    for (const auto& problem : loaded.problems)
      log_line(config::log_level::error, "config.refused",
               json{{"problem", config::to_string(problem)}}.dump());
    log_line(config::log_level::warn, "config.kept",
             json{{"source", source.name()}, {"problems", loaded.problems.size()}}.dump());
  } else {
    const auto applied = running.reload(std::move(*loaded.value));
    if (const auto* why = std::get_if<node::failure>(&applied))
      log_line(config::log_level::warn, "config.kept",
               json{{"source", source.name()}, {"problem", why->what}}.dump());
    else
      log_line(config::log_level::info, "config.applied", json{{"source", source.name()}}.dump());
  }
  notify_service_manager("READY=1");
}

/// Lets accepted tasks finish; a second signal ends the process at once. Workers follow it by
/// themselves, and what was accepted and unfinished is in the journal.
void drain(node& running, std::chrono::milliseconds grace, const sigset_t& signals) {
  notify_service_manager("STOPPING=1");
  const auto waiting = pthread_self();
  std::size_t left = 0;
  std::thread draining{[&] {
    left = running.drain(grace);
    pthread_kill(waiting, SIGUSR1);
  }};
  for (;;) {
    const int number = next_signal(signals);
    if (number == SIGUSR1) break;
    if (number == SIGHUP) continue;
    log_line(config::log_level::warn, "node.stopped_at_once", "{}");
    close_log();
    std::_Exit(failed);
  }
  draining.join();
  log_line(config::log_level::info, "node.drained", json{{"left_in_journal", left}}.dump());
}

using opened_door = std::variant<std::unique_ptr<doors::http_door>, std::string>;

opened_door open_door(node& running, const config::node& configuration) {
  const auto where = config::parse_endpoint(configuration.listen);
  if (!where) return std::string{"it is not an address and a port"};
  doors::http_door_options options;
  options.address = where->address;
  options.port = where->port;
  options.limits = configuration.limits;
  auto& inside = running.inside();
  options.playing = [&inside]() -> const actors::cast& { return inside.house->now_playing(); };
  return doors::http_door::open(running, *inside.io, std::move(options));
}

/// The address that was asked for with the port that it became.
std::string address_of(const std::string& listen, std::uint16_t port) {
  return listen.substr(0, listen.rfind(':') + 1) + std::to_string(port);
}

/// Flushes the log on every way out.
struct log_guard {
  ~log_guard() { close_log(); }
};

/// Once a large block has been freed, glibc takes others of that size from the heap, where they
/// leave holes: one burst of large answers would stay in the node's memory for good.
void return_large_blocks() {
  constexpr int large = 1 << 20;
  ::mallopt(M_MMAP_THRESHOLD, large);
}

int serve(const configuration_source& source) {
  if (source.profile.empty() && source.file.empty()) {
    std::string names;
    for (const auto& name : config::list_profiles(profile_folders())) names += ' ' + name;
    say_problem("wrong-usage", "serve needs --profile NAME or --config FILE — profiles:" + names
                                   + "; for example: greenroom serve --profile production");
    return wrong_usage;
  }
  auto configuration = load_configuration(source);
  if (!configuration) return wrong_usage;

  return_large_blocks();
  // Before any thread is started, so that all of them inherit it and only this one hears signals.
  const auto signals = awaited_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  open_log(configuration->log);
  const log_guard closing;  // Before the node, so that it is destroyed after it.
  const auto grace = configuration->shutdown_grace;
  const auto cast = count_specialists(*configuration);

  node::options options;
  options.bin_directory = program_folder().string();
  options.worker_line = [](std::string_view specialist, std::string_view line) {
    log_line(config::log_level::info, "worker.stderr",
             json{{"specialist", specialist}, {"line", line}}.dump(-1, ' ', false,
                                                                   json::error_handler_t::replace));
  };
  const auto started = node::start(*configuration, {}, options);
  if (const auto* why = std::get_if<node::failure>(&started)) {
    say_problem("failed", "the node cannot start: " + why->what);
    return failed;
  }
  auto& running = *std::get<std::unique_ptr<node>>(started);
  // What happened before there was anybody to hear it, such as a damaged journal.
  for (const auto& what : running.events_after(0)) log_event(what);
  const auto listening = running.on_event([](const event& what) { log_event(what); });

  const auto opened = open_door(running, *configuration);
  if (const auto* why = std::get_if<std::string>(&opened)) {
    say_problem("failed", *why);
    return failed;
  }
  const auto& door = std::get<std::unique_ptr<doors::http_door>>(opened);
  const auto address = address_of(configuration->listen, door->port());

  std::printf("greenroom: listening on http://%s\n", address.c_str());
  std::fflush(stdout);
  log_line(config::log_level::info, "node.ready",
           json{{"address", address},
                {"source", source.name()},
                {"specialists", cast},
                {"pid", static_cast<int>(getpid())}}
               .dump());
  notify_service_manager("READY=1");

  for (;;) {
    const int number = next_signal(signals);
    if (number == SIGHUP) {
      reload(running, source);
    } else if (number == SIGTERM || number == SIGINT) {
      // The door stays open meanwhile: it delivers what is still to come and refuses the rest.
      drain(running, grace, signals);
      break;
    }
  }
  // Answers that are on their way still get out.
  door->stop_accepting();
  const auto patience = std::chrono::steady_clock::now() + answers_get_out;
  while (door->counters().connections > 0 && std::chrono::steady_clock::now() < patience)
    std::this_thread::sleep_for(std::chrono::milliseconds{2});
  door->close();
  return done;
}

}  // namespace

void add_serve(CLI::App& program, outcome& result) {
  auto* verb = program.add_subcommand("serve", "Runs a node");
  verb->group(group::run);
  auto source = std::make_shared<configuration_source>();
  add_configuration_options(*verb, *source);
  verb->add_option("--listen", source->listen, "Where to listen; port 0 picks a free one")
      ->type_name("ADDR:PORT");
  verb->add_option("--data", source->data, "Folder of the journal and learned state")
      ->check([](const std::string& folder) {
        return folder.empty() ? std::string{"the name of the folder is empty"} : std::string{};
      })
      ->type_name("DIR");
  verb->footer(
      "SIGTERM and SIGINT drain (a second one stops at once), SIGHUP reads the configuration\n"
      "again and applies it whole or not at all.\n\n"
      "Example:\n"
      "  greenroom serve --profile production --listen 127.0.0.1:7117 --data /var/lib/greenroom\n"
      "  greenroom serve --config my.yaml --set pool.max_warm=20");
  verb->callback([source, &result] { result.code = serve(*source); });
}

}  // namespace greenroom::apps
