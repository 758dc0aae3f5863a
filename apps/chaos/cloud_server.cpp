#include "apps/chaos/cloud_server.hpp"

#include "runtime/machine/process/launch.hpp"

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <future>

namespace greenroom::apps {

namespace {

constexpr int start_patience_ms = 10'000;

}  // namespace

struct cloud_server::child {
  machine::launched process;
};

cloud_server::cloud_server(const std::string& bin_directory) : child_{std::make_unique<child>()} {
  machine::launch_order order;
  order.command = {"greenroom-chaos-cloud"};
  order.bin_directory = bin_directory;
  // PR_SET_PDEATHSIG is tied to the thread that forks, so a thread must start the server that lives
  // as long as the process.
  std::promise<machine::launched> started;
  machine::spawner::shared().ask([&] { started.set_value(machine::launch(order)); });
  child_->process = started.get_future().get();
  const auto& process = child_->process;
  if (process.pid == 0) {
    problem_ = process.error;
    return;
  }
  std::string output;
  while (output.find('\n') == std::string::npos) {
    pollfd file{process.out.number(), POLLIN, 0};
    if (::poll(&file, 1, start_patience_ms) == 0) break;
    char room[64];
    const auto count = ::read(process.out.number(), room, sizeof room);
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (count <= 0) break;
    output.append(room, static_cast<std::size_t>(count));
  }
  port_ = static_cast<std::uint16_t>(std::strtoul(output.c_str(), nullptr, 10));
  if (port_ == 0) problem_ = "greenroom-chaos-cloud did not say where it listens";
}

cloud_server::~cloud_server() {
  const auto pid = child_->process.pid;
  if (pid <= 0) return;
  ::kill(-pid, SIGKILL);
  while (::waitpid(pid, nullptr, __WALL) < 0 && errno == EINTR) {
  }
}

}  // namespace greenroom::apps
