// greenroom-chaos-wire PROGRAM [ARG…]: a proxy for the byte stream between a node and a worker
// process. While a lease lasts, it delays the worker's bytes, garbles them, passes none, or
// allocates memory in the worker's name.
#include "apps/chaos/lease_board.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace greenroom::apps {
namespace {

/// Interval between checks of the lease while no bytes move.
constexpr int look_ms = 10;
constexpr std::size_t held_bytes_max = std::size_t{4} << 20;
/// Invalid in every protocol: no JSON, and a MessagePack frame longer than the limit.
constexpr std::string_view nonsense = "\xff\xff\xff\xff}{ this is no answer\n";

struct held_bytes {
  std::int64_t due_ns = 0;
  std::string bytes;
};

class wire {
public:
  wire(int worker, int to_worker, int from_worker, const wire_lease* lease)
      : worker_{worker}, to_worker_{to_worker}, from_worker_{from_worker}, lease_{lease} {}

  int run() {
    for (const int file : {STDIN_FILENO, STDOUT_FILENO, to_worker_, from_worker_})
      ::fcntl(file, F_SETFL, ::fcntl(file, F_GETFL) | O_NONBLOCK);
    while (from_worker_ >= 0 || !to_node_.empty()) step();
    int status = 0;
    while (::waitpid(worker_, &status, 0) < 0 && errno == EINTR) {
    }
    if (WIFSIGNALED(status)) {
      // Ends by the worker's signal, so that the node sees how the worker ended.
      ::signal(WTERMSIG(status), SIG_DFL);
      ::raise(WTERMSIG(status));
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
  }

private:
  wire_lease::kind now_is(std::int64_t now) const {
    if (lease_ == nullptr || lease_->until_ns.load(std::memory_order_acquire) <= now)
      return wire_lease::kind::none;
    return lease_->what.load(std::memory_order_relaxed);
  }

  void step() {
    const auto now = monotonic_ns();
    const auto fault = now_is(now);
    swell(fault == wire_lease::kind::swell ? lease_->amount.load(std::memory_order_relaxed) : 0);
    const bool cut = fault == wire_lease::kind::cut;
    pollfd files[4] = {{-1, POLLIN, 0}, {-1, POLLIN, 0}, {-1, POLLOUT, 0}, {-1, POLLOUT, 0}};
    if (!cut) {
      if (node_open_ && to_worker_bytes_.size() < held_bytes_max) files[0].fd = STDIN_FILENO;
      if (from_worker_ >= 0 && held_ < held_bytes_max) files[1].fd = from_worker_;
      if (!to_worker_bytes_.empty()) files[2].fd = to_worker_;
      if (!to_node_.empty() && to_node_.front().due_ns <= now) files[3].fd = STDOUT_FILENO;
    }
    if (::poll(files, 4, wait_ms(now)) < 0 && errno != EINTR) ::_exit(1);
    // Bytes that arrive during a cut stay in the pipes; ends of file are noticed later.
    if (cut) return;
    if (files[0].revents != 0) from_node();
    if (files[1].revents != 0) from_worker(fault, now);
    if (files[2].revents != 0) write_worker();
    if (files[3].revents != 0) write_node();
  }

  int wait_ms(std::int64_t now) const {
    if (lease_ == nullptr) return -1;
    if (to_node_.empty() || to_node_.front().due_ns <= now) return look_ms;
    const auto until = (to_node_.front().due_ns - now + 999'999) / 1'000'000;
    return static_cast<int>(std::min<std::int64_t>(until, look_ms));
  }

  void from_node() {
    char room[65536];
    const auto count = ::read(STDIN_FILENO, room, sizeof room);
    if (count > 0) {
      to_worker_bytes_.append(room, static_cast<std::size_t>(count));
      write_worker();
    } else if (count == 0 || (errno != EAGAIN && errno != EINTR)) {
      node_open_ = false;
      close_worker_input();
    }
  }

  void write_worker() {
    while (to_worker_ >= 0 && !to_worker_bytes_.empty()) {
      const auto count = ::write(to_worker_, to_worker_bytes_.data(), to_worker_bytes_.size());
      if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
      if (count <= 0) to_worker_bytes_.clear();
      if (count > 0) to_worker_bytes_.erase(0, static_cast<std::size_t>(count));
    }
    close_worker_input();
  }

  void close_worker_input() {
    if (node_open_ || to_worker_ < 0 || !to_worker_bytes_.empty()) return;
    ::close(to_worker_);
    to_worker_ = -1;
  }

  void from_worker(wire_lease::kind fault, std::int64_t now) {
    char room[65536];
    const auto count = ::read(from_worker_, room, sizeof room);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (count <= 0) {
      ::close(from_worker_);
      from_worker_ = -1;
      return;
    }
    held_bytes fresh{now, {room, static_cast<std::size_t>(count)}};
    if (fault == wire_lease::kind::garble) fresh.bytes = nonsense;
    if (fault == wire_lease::kind::slow)
      fresh.due_ns += std::int64_t{lease_->amount.load(std::memory_order_relaxed)} * 1'000'000;
    // Keeps the order of bytes, also when a lease has ended meanwhile.
    if (!to_node_.empty()) fresh.due_ns = std::max(fresh.due_ns, to_node_.back().due_ns);
    held_ += fresh.bytes.size();
    to_node_.push_back(std::move(fresh));
    write_node();
  }

  void write_node() {
    while (!to_node_.empty() && to_node_.front().due_ns <= monotonic_ns()) {
      auto& first = to_node_.front().bytes;
      const auto count = ::write(STDOUT_FILENO, first.data(), first.size());
      if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
      if (count <= 0) ::_exit(1);  // The node closed the pipe.
      held_ -= static_cast<std::size_t>(count);
      first.erase(0, static_cast<std::size_t>(count));
      if (first.empty()) to_node_.pop_front();
    }
  }

  void swell(std::size_t megabytes) {
    const auto bytes = megabytes << 20;
    if (bytes == taken_) return;
    if (memory_ != nullptr) ::munmap(memory_, taken_);
    memory_ = nullptr;
    taken_ = bytes;
    if (bytes == 0) return;
    auto* where =
        ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (where == MAP_FAILED) return;
    memory_ = static_cast<char*>(where);
    // Only written pages count as used memory.
    for (std::size_t at = 0; at < bytes; at += 4096) memory_[at] = static_cast<char>(at >> 12U | 1);
  }

  const int worker_;
  int to_worker_, from_worker_;
  const wire_lease* lease_;
  bool node_open_ = true;
  std::string to_worker_bytes_;
  std::deque<held_bytes> to_node_;
  std::size_t held_ = 0;
  char* memory_ = nullptr;
  std::size_t taken_ = 0;
};

/// Searches a bare name beside this program first, as the node does.
std::string program_path(const std::string& name) {
  if (name.find('/') != std::string::npos) return name;
  char self[4096];
  const auto length = ::readlink("/proc/self/exe", self, sizeof self);
  if (length <= 0) return name;
  std::string path{self, static_cast<std::size_t>(length)};
  path.resize(path.rfind('/') + 1);
  path += name;
  return ::access(path.c_str(), X_OK) == 0 ? path : name;
}

int serve(int count, char** arguments) {
  if (count < 2) {
    std::fputs("usage: greenroom-chaos-wire PROGRAM [ARG…]\n", stderr);
    return 2;
  }
  lease_board board;
  const wire_lease* lease = nullptr;
  const auto* file = std::getenv(lease_file_variable);
  const auto* slot = std::getenv(lease_slot_variable);
  if (file != nullptr && slot != nullptr && board.open(file)) {
    const auto number = std::strtoul(slot, nullptr, 10);
    if (number < board.size()) lease = &board.at(number);
  }
  int down[2], up[2];
  if (::pipe2(down, O_CLOEXEC) != 0 || ::pipe2(up, O_CLOEXEC) != 0) return 1;
  ::signal(SIGPIPE, SIG_IGN);
  const auto parent = ::getpid();
  const auto worker = ::fork();
  if (worker < 0) return 1;
  if (worker == 0) {
    // The worker dies with this process, which dies with the node.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(1);
    ::signal(SIGPIPE, SIG_DFL);
    ::dup2(down[0], STDIN_FILENO);
    ::dup2(up[1], STDOUT_FILENO);
    const auto path = program_path(arguments[1]);
    ::execvp(path.c_str(), arguments + 1);
    std::perror(arguments[1]);
    ::_exit(127);
  }
  ::close(down[0]);
  ::close(up[1]);
  return wire{worker, down[1], up[0], lease}.run();
}

}  // namespace
}  // namespace greenroom::apps

int main(int count, char** arguments) { return greenroom::apps::serve(count, arguments); }
