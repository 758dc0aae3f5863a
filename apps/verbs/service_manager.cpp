#include "apps/verbs/service_manager.hpp"

#include "actors/node/parts.hpp"
#include "protocols/base/number.hpp"

#include <boost/asio/post.hpp>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <limits>
#include <string_view>

namespace greenroom::apps {
namespace {

/// Nothing when the variable is missing or not a whole number.
std::optional<std::int64_t> number_in(const char* variable) {
  const char* text = std::getenv(variable);
  if (text == nullptr) return std::nullopt;
  return base::parse_number<std::int64_t>(text);
}

std::string monotonic_us() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return std::to_string(std::int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1000);
}

/// A status line must not end the message or begin another assignment.
std::string one_line(std::string text) {
  for (auto& letter : text)
    if (letter == '\n' || letter == '\r') letter = ' ';
  return text;
}

}  // namespace

struct service_manager::round_trip {
  std::atomic<bool> scheduler{false};
  std::atomic<std::size_t> loops_left{0};
  [[nodiscard]] bool is_back() const { return scheduler && loops_left == 0; }
};

service_manager::service_manager() {
  if (const char* path = std::getenv("NOTIFY_SOCKET")) socket_ = path;
  const auto period = number_in("WATCHDOG_USEC");
  const auto whose = number_in("WATCHDOG_PID");
  if (period && *period > 0 && (!whose || *whose == std::int64_t{getpid()}))
    watchdog_ = std::chrono::microseconds{*period};
  // systemd.exec(5), "Environment variables in spawned processes": for the node, not its workers.
  for (const char* name : {"NOTIFY_SOCKET",
                           "WATCHDOG_USEC",
                           "WATCHDOG_PID",
                           "LISTEN_FDS",
                           "LISTEN_PID",
                           "LISTEN_FDNAMES",
                           "LISTEN_PIDFDID",
                           "CREDENTIALS_DIRECTORY",
                           "INVOCATION_ID",
                           "JOURNAL_STREAM",
                           "MAINPID",
                           "MANAGERPID",
                           "MANAGERPIDFDID",
                           "SYSTEMD_EXEC_PID",
                           "MEMORY_PRESSURE_WATCH",
                           "MEMORY_PRESSURE_WRITE",
                           "FDSTORE",
                           "REMOTE_ADDR",
                           "REMOTE_PORT",
                           "TRIGGER_UNIT",
                           "TRIGGER_PATH",
                           "TRIGGER_TIMER_REALTIME_USEC",
                           "TRIGGER_TIMER_MONOTONIC_USEC",
                           "EXIT_CODE",
                           "EXIT_STATUS",
                           "SERVICE_RESULT",
                           "MONITOR_SERVICE_RESULT",
                           "MONITOR_EXIT_CODE",
                           "MONITOR_EXIT_STATUS",
                           "MONITOR_INVOCATION_ID",
                           "MONITOR_UNIT",
                           "PIDFILE",
                           "RUNTIME_DIRECTORY",
                           "STATE_DIRECTORY",
                           "CACHE_DIRECTORY",
                           "LOGS_DIRECTORY",
                           "CONFIGURATION_DIRECTORY"})
    ::unsetenv(name);
}

void service_manager::send(const std::string& state) const {
  if (socket_.empty()) return;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket_.size() >= sizeof address.sun_path) return;
  std::memcpy(address.sun_path, socket_.data(), socket_.size());
  if (address.sun_path[0] == '@') address.sun_path[0] = '\0';  // An abstract socket.
  const int socket = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (socket < 0) return;
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_.size());
  [[maybe_unused]] const auto sent =
      ::sendto(socket, state.data(), state.size(), MSG_NOSIGNAL,
               reinterpret_cast<const sockaddr*>(&address), size);  // NOLINT
  ::close(socket);
}

void service_manager::ready(const std::string& status) {
  send("READY=1\nSTATUS=" + one_line(status));
}

void service_manager::reloading() { send("RELOADING=1\nMONOTONIC_USEC=" + monotonic_us()); }

void service_manager::stopping(std::chrono::milliseconds grace) {
  constexpr std::chrono::seconds to_end_workers{10};
  send("STOPPING=1\nSTATUS=draining\nEXTEND_TIMEOUT_USEC="
       + std::to_string(std::chrono::microseconds{grace + to_end_workers}.count()));
}

std::optional<std::chrono::microseconds> service_manager::beat_period() const {
  if (socket_.empty() || watchdog_.count() == 0) return std::nullopt;
  // sd_watchdog_enabled(3) recommends half of the period; a round trip takes one more call.
  return std::max(watchdog_ / 4, std::chrono::microseconds{1000});
}

void service_manager::beat(node& running) {
  if (under_way_ && !under_way_->is_back()) return;
  if (under_way_) send("WATCHDOG=1");
  auto next = std::make_shared<round_trip>();
  auto& inside = running.inside();
  next->loops_left = inside.engine->size();
  for (std::size_t at = 0; at < inside.engine->size(); ++at)
    boost::asio::post(inside.engine->loop(at), [next] { --next->loops_left; });
  inside.system->spawn([next](caf::event_based_actor*) { next->scheduler = true; });
  // CAF stores the system's logger in the spawning thread, and the system's destructor waits until
  // no thread holds the logger.
  caf::logger::set_current_actor_system(nullptr);
  under_way_ = std::move(next);
}

}  // namespace greenroom::apps
