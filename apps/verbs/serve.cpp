// `greenroom serve`: one node with its HTTP door, from start to drain.
#include "actors/doors/http_door.hpp"
#include "actors/node/node.hpp"
#include "actors/node/parts.hpp"
#include "apps/client/problem_line.hpp"
#include "apps/client/verb.hpp"
#include "apps/verbs/logging.hpp"
#include "apps/verbs/open_files.hpp"
#include "apps/verbs/service_manager.hpp"
#include "apps/verbs/source.hpp"
#include "protocols/base/ip_address.hpp"

#include <nlohmann/json.hpp>

#include <malloc.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace greenroom::apps {
namespace {

using nlohmann::json;

/// Time after the drain for clients that read slowly.
constexpr std::chrono::seconds answers_get_out{2};

/// The signals that `serve` waits for. The draining thread sends SIGUSR1 when it has finished.
sigset_t awaited_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGUSR1}) sigaddset(&set, number);
  return set;
}

/// The next signal, or 0 when none arrived within `patience`.
int next_signal(const sigset_t& set, std::optional<std::chrono::microseconds> patience = {}) {
  for (;;) {
    int number = 0;
    if (!patience) {
      if (sigwait(&set, &number) == 0) return number;
      continue;
    }
    const auto us = patience->count();
    const timespec wait{static_cast<time_t>(us / 1'000'000),
                        static_cast<long>(us % 1'000'000 * 1000)};
    number = sigtimedwait(&set, nullptr, &wait);
    if (number > 0) return number;
    if (errno == EAGAIN) return 0;
  }
}

/// Reload and stop requests over HTTP. They arrive on the node's threads, which wake the signal
/// thread with a signal.
class client_orders {
public:
  using reload_done = std::function<void(const doors::reload_outcome&)>;

  void reload(reload_done done) {
    {
      const std::lock_guard lock{mutex_};
      if (!draining_) {
        reloads_.push_back(std::move(done));
        ::kill(::getpid(), SIGHUP);
        return;
      }
    }
    done(going_down());
  }
  void stop(bool at_once) {
    if (at_once) at_once_ = true;
    ::kill(::getpid(), SIGTERM);
  }
  [[nodiscard]] bool is_at_once() const { return at_once_; }
  /// The requests that wait for a reload. Take them before the file is read: a later request may
  /// come after a change of the file, and has sent its own SIGHUP.
  [[nodiscard]] std::vector<reload_done> take_reloads() {
    const std::lock_guard lock{mutex_};
    return std::exchange(reloads_, {});
  }
  /// Answers waiting and later reload requests with a refusal: no thread reads the file any more.
  void refuse_reloads() {
    std::vector<reload_done> waiting;
    {
      const std::lock_guard lock{mutex_};
      draining_ = true;
      waiting.swap(reloads_);
    }
    for (const auto& one : waiting) one(going_down());
  }

private:
  static doors::reload_outcome going_down() {
    doors::reload_outcome refused;
    refused.problems.emplace_back("the node is going down");
    return refused;
  }

  std::mutex mutex_;
  bool draining_ = false;
  std::vector<reload_done> reloads_;
  std::atomic<bool> at_once_{false};
};

/// Applies the whole file or nothing: a wrong file changes nothing and returns its problems.
doors::reload_outcome reload(node& running, const configuration_source& source) {
  doors::reload_outcome result;
  result.source = source.name();
  auto loaded = load_configuration(source);
  if (!loaded) {
    for (const auto& problem : loaded.error()) {
      result.problems.push_back(config::to_string(problem));
      log_line(config::log_level::error, "config.refused",
               json{{"problem", result.problems.back()}}.dump());
    }
    log_line(config::log_level::warn, "config.kept",
             json{{"source", source.name()}, {"problems", loaded.error().size()}}.dump());
    return result;
  }
  const auto applied = running.reload(std::move(loaded->value));
  if (!applied) {
    result.problems.push_back(applied.error().text);
    log_line(config::log_level::warn, "config.kept",
             json{{"source", source.name()}, {"problem", applied.error().text}}.dump());
  } else {
    result.change = applied->change;
    result.workers = applied->workers;
    adjust_log(running.configuration().log);
    log_line(config::log_level::info, "config.applied",
             json{{"source", source.name()},
                  {"change", applied->change},
                  {"workers_to_replace", applied->workers}}
                 .dump());
    for (const auto& warning : loaded->warnings) {
      result.warnings.push_back(config::to_string(warning));
      log_line(config::log_level::warn, "config.warning",
               json{{"warning", result.warnings.back()}}.dump());
    }
  }
  return result;
}

/// `code` is 0 for `greenroom stop --now`, since a service manager with restart-on-failure must not
/// restart the node.
void stop_at_once(int code) {
  log_line(config::log_level::warn, "node.stopped_at_once", "{}");
  close_log();
  std::_Exit(code);
}

/// Waits until accepted tasks have ended; a second signal ends the process at once. The kernel then
/// kills the workers, and unfinished durable tasks stay in the journal.
void drain(node& running, std::chrono::milliseconds grace, const sigset_t& signals,
           const client_orders& orders) {
  const auto waiting = pthread_self();
  std::size_t left = 0;
  std::thread draining{[&] {
    left = running.drain(grace);
    pthread_kill(waiting, SIGUSR1);
  }};
  for (;;) {
    const int number = next_signal(signals);
    if (number == SIGUSR1) break;
    if (number != SIGHUP) stop_at_once(orders.is_at_once() ? done : failed);
  }
  draining.join();
  log_line(config::log_level::info, "node.drained", json{{"left_in_journal", left}}.dump());
}

base::expected<std::unique_ptr<doors::http_door>> open_door(node& running,
                                                            const config::node& configuration,
                                                            client_orders& orders) {
  const auto where = config::parse_endpoint(configuration.listen);
  if (!where) return base::problem{"not-listening", "it is not an address and a port"};
  doors::http_door_options options;
  options.address = where->address;
  options.port = where->port;
  options.limits = configuration.limits;
  options.reload = [&orders](client_orders::reload_done done) { orders.reload(std::move(done)); };
  options.stop = [&orders](bool at_once) { orders.stop(at_once); };
  return doors::http_door::open(running, *running.inside().engine, std::move(options));
}

/// The configured host with the port that was bound.
std::string address_of(const std::string& listen, std::uint16_t port) {
  return listen.substr(0, listen.rfind(':') + 1) + std::to_string(port);
}

/// Flushes the log on every way out.
struct log_guard {
  ~log_guard() { close_log(); }
};

/// Fixes glibc's mmap threshold. By default it grows when a large block is freed; later large
/// blocks then come from the heap, and one burst of large answers would stay in memory.
void return_large_blocks() {
  constexpr int large = 1 << 20;
  ::mallopt(M_MMAP_THRESHOLD, large);
}

bool is_loopback(const std::string& listen) {
  const auto where = config::parse_endpoint(listen);
  if (!where) return false;
  const auto address = base::parse_ip_address(where->address);
  return where->address == "localhost" || (address && address->is_loopback());
}

/// Refuses to listen on a non-loopback address without `--insecure`. Returns false when the node
/// must not start.
bool may_listen(const config::node& configuration, bool insecure) {
  if (is_loopback(configuration.listen)) return true;
  if (insecure) {
    const auto warning = "other machines can reach " + configuration.listen
                      + " without a password and without TLS (--insecure): everyone who reaches it "
                        "can run tasks, read results and roll back";
    if (configuration.log.level <= config::log_level::warn)
      log_line(config::log_level::warn, "node.insecure", json{{"warning", warning}}.dump());
    else
      std::fprintf(stderr, "greenroom: warning: %s\n", warning.c_str());
    return true;
  }
  say_problem("wrong-usage",
              "listen: " + configuration.listen
                  + " is not a loopback address, and without a password and TLS every client that "
                    "reaches it can run tasks, read their results and roll back — listen on 127.0.0.1 "
                    "behind a proxy that asks for credentials, or, where the network keeps "
                    "strangers out, start it with --insecure");
  return false;
}

int refuse_without_source() {
  std::string names;
  for (const auto& name : config::list_profiles(profile_folders())) names += ' ' + name;
  say_problem("wrong-usage",
              "serve needs --profile NAME or --config FILE (or GREENROOM_PROFILE) — profiles:"
                  + names + "; for example: greenroom serve --profile production");
  return wrong_usage;
}

node::options node_options() {
  node::options options;
  options.bin_directory = program_folder().string();
  options.adopt_orphans = true;
  options.worker_line = [](std::string_view specialist, std::string_view line) {
    log_line(config::log_level::info, "worker.stderr",
             json{{"specialist", specialist}, {"line", line}}.dump(-1, ' ', false,
                                                                   json::error_handler_t::replace));
  };
  return options;
}

/// Carries out signals until the node is drained.
void serve_until_stopped(node& running, const configuration_source& source, const sigset_t& signals,
                         service_manager& manager, client_orders& orders,
                         const std::string& address) {
  for (;;) {
    const int number = next_signal(signals, manager.beat_period());
    if (number == 0) {
      manager.beat(running);
    } else if (number == SIGHUP) {
      manager.reloading();
      const auto waiting = orders.take_reloads();
      const auto result = reload(running, source);
      manager.ready(result.problems.empty() ? "listening on http://" + address
                                            : "configuration refused, the former one stays: "
                                                  + result.problems.front());
      for (const auto& one : waiting) one(result);
    } else if (number == SIGTERM || number == SIGINT) {
      if (orders.is_at_once()) stop_at_once(done);
      orders.refuse_reloads();
      manager.stopping(running.configuration().shutdown_grace);
      // The door stays open during the drain: it delivers pending answers and refuses new tasks.
      drain(running, running.configuration().shutdown_grace, signals, orders);
      return;
    }
  }
}

/// Gives answers that are being sent the time to arrive.
void close_door(doors::http_door& door) {
  door.stop_accepting();
  const auto patience = std::chrono::steady_clock::now() + answers_get_out;
  while (door.counters().connections > 0 && std::chrono::steady_clock::now() < patience)
    std::this_thread::sleep_for(std::chrono::milliseconds{2});
  door.close();
}

/// Starts the node, opens its door, and serves until the node is stopped.
int run_node(const configuration_source& source, const config::node& configuration,
             const config::node& door_limits, const sigset_t& signals, service_manager& manager,
             client_orders& orders) {
  const auto started = node::start(configuration, {}, node_options());
  if (!started) {
    say_problem("failed", "the node cannot start: " + started.error().text);
    return failed;
  }
  auto& running = **started;
  // Events from before the listener was registered, such as a damaged journal.
  for (const auto& what : running.events_after(0)) log_event(what);
  const auto listening = running.on_event([](const event& what) { log_event(what); });

  const auto opened = open_door(running, door_limits, orders);
  if (!opened) {
    say_problem("failed", opened.error().text);
    return failed;
  }
  auto& door = **opened;
  const auto address = address_of(configuration.listen, door.port());
  std::printf("greenroom: listening on http://%s\n", address.c_str());
  std::fflush(stdout);
  log_line(config::log_level::info, "node.ready",
           json{{"address", address},
                {"source", source.name()},
                {"specialists", count_specialists(configuration)},
                {"pid", static_cast<int>(getpid())}}
               .dump());
  manager.ready("listening on http://" + address);
  serve_until_stopped(running, source, signals, manager, orders, address);
  close_door(door);
  return done;
}

int serve(const configuration_source& source, bool insecure) {
  if (source.profile.empty() && source.file.empty()) return refuse_without_source();
  const auto loaded = load_configuration(source);
  if (!loaded) return refuse_configuration(loaded.error());
  print_warnings(loaded->warnings);
  const auto& configuration = loaded->value;

  return_large_blocks();
  // Before any thread starts, so that all threads inherit the mask and only this one gets signals.
  const auto signals = awaited_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  if (const auto enough = check_open_files(configuration); !enough) {
    say_problem("failed", enough.error().text);
    return failed;
  }
  auto door_limits = configuration;
  const auto scarce = fit_to_open_files(door_limits);
  service_manager manager;
  client_orders orders;  // Before the door, so that it is destroyed after it.
  open_log(configuration.log);
  const log_guard closing;  // Before the node, so that it is destroyed after it.
  if (!may_listen(configuration, insecure)) return wrong_usage;
  if (!scarce.empty())
    log_line(config::log_level::warn, "files.scarce", json{{"what", scarce}}.dump());
  return run_node(source, configuration, door_limits, signals, manager, orders);
}

}  // namespace

void define_serve(CLI::App& verb, outcome& result) {
  verb.description("Run a node");
  auto source = std::make_shared<configuration_source>();
  add_configuration_options(verb, *source);
  verb.add_option("--listen", source->listen, "Where to listen; port 0 picks a free one")
      ->type_name("ADDR:PORT");
  verb.add_option("--data", source->data, "Folder of the journal and learned state")
      ->check([](const std::string& folder) {
        return folder.empty() ? std::string{"the name of the folder is empty"} : std::string{};
      })
      ->type_name("DIR");
  verb.footer(
      "On SIGTERM or SIGINT the node finishes accepted tasks and ends; a second signal ends it\n"
      "at once. On SIGHUP it reads the configuration again and applies it whole or not at all.\n\n"
      "access.hosts lists the names by which clients may call the node, access.origins the web\n"
      "pages that may call it.\n\n"
      "Example:\n"
      "  greenroom serve --profile production --listen 127.0.0.1:7117 --data /var/lib/greenroom\n"
      "  greenroom serve --config my.yaml --set pool.max_warm=20");
  auto insecure = std::make_shared<bool>(false);
  verb.add_flag(
      "--insecure", *insecure,
      "Allow an address that other machines can reach; the node has no accounts and no TLS");
  verb.callback([source, insecure, &result] { result.code = serve(*source, *insecure); });
}

}  // namespace greenroom::apps
