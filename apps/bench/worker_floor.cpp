#include "apps/bench/worker_floor.hpp"

#include "apps/bench/stage.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <memory>
#include <string_view>

namespace greenroom::bench {

namespace {

using runtime::load::latency_recorder;

[[noreturn]] void give_up(const char* what) {
  std::perror(what);
  std::abort();
}

/// One echo worker over a socket pair, with length-prefixed MessagePack frames.
class echo_child {
public:
  explicit echo_child(const std::string& program) {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
      give_up("socketpair");
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, ends[1], 0);
    ::posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
    std::array<char*, 2> arguments{const_cast<char*>(program.c_str()), nullptr};
    if (::posix_spawn(&pid_, program.c_str(), &actions, nullptr, arguments.data(), environ) != 0)
      give_up(program.c_str());
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
    fd_ = ends[0];
  }
  ~echo_child() {
    ::close(fd_);
    ::waitpid(pid_, nullptr, 0);
  }
  echo_child(const echo_child&) = delete;
  echo_child& operator=(const echo_child&) = delete;

  void send(std::uint64_t number) {
    write_input(input_, number);
    constexpr std::string_view head = "\x84\xa4type\xa4task\xa2id\xd9\x20";
    frame_.assign(4, '\0');
    frame_ += head;
    frame_.append(input_, 1, 16).append(input_, 1, 16);  // An identifier of 32 digits.
    const auto length = input_.size() - 2;               // The text without its quotes.
    frame_ += "\xa5input\xda";
    frame_ += static_cast<char>(length >> 8);
    frame_ += static_cast<char>(length);
    frame_.append(input_, 1, length);
    frame_ += "\xaatimeout_ms\xcd\x75\x30";
    const auto size = frame_.size() - 4;
    for (std::size_t i = 0; i < 4; ++i) frame_[i] = static_cast<char>(size >> (24 - 8 * i));
    if (::write(fd_, frame_.data(), frame_.size()) != static_cast<ssize_t>(frame_.size()))
      give_up("write");
  }
  /// Reads once. Returns the number of complete frames, or -1 when no bytes were there.
  int receive() {
    const auto count = ::read(fd_, in_.data() + have_, in_.size() - have_);
    if (count < 0 && errno == EAGAIN) return -1;
    if (count <= 0) give_up("read from the echo worker");
    have_ += static_cast<std::size_t>(count);
    int frames = 0;
    std::size_t used = 0;
    while (have_ - used >= 4) {
      std::size_t length = 0;
      for (std::size_t i = 0; i < 4; ++i)
        length = length << 8 | static_cast<unsigned char>(in_[used + i]);
      if (have_ - used - 4 < length) break;
      ++frames;
      // The echoed input is at the end of the answer.
      if (length >= payload_bytes
          && std::memcmp(in_.data() + used + 4 + length - (input_.size() - 2), input_.data() + 1,
                         input_.size() - 2)
                 != 0)
        give_up("another answer");
      used += 4 + length;
    }
    std::memmove(in_.data(), in_.data() + used, have_ - used);
    have_ -= used;
    return frames;
  }
  /// Blocks until `frames` frames have arrived.
  void await(int frames) {
    while (frames > 0) frames -= std::max(receive(), 0);
  }
  void not_blocking() const { ::fcntl(fd_, F_SETFL, O_NONBLOCK); }
  [[nodiscard]] int descriptor() const { return fd_; }

private:
  pid_t pid_ = 0;
  int fd_ = -1;
  std::string input_, frame_;
  std::array<char, 8192> in_{};
  std::size_t have_ = 0;
};

class poller {
public:
  poller() : fd_{::epoll_create1(EPOLL_CLOEXEC)} {}
  ~poller() { ::close(fd_); }
  poller(const poller&) = delete;
  poller& operator=(const poller&) = delete;
  void add(const echo_child& child, std::size_t index) const {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = index;
    if (::epoll_ctl(fd_, EPOLL_CTL_ADD, child.descriptor(), &event) != 0) give_up("epoll_ctl");
  }
  int wait(std::array<epoll_event, 64>& events) const {
    return ::epoll_wait(fd_, events.data(), static_cast<int>(events.size()), -1);
  }

private:
  int fd_;
};

std::vector<std::unique_ptr<echo_child>> start_children(const std::string& program,
                                                        std::size_t count) {
  std::vector<std::unique_ptr<echo_child>> result;
  for (std::size_t i = 0; i < count; ++i) {
    result.push_back(std::make_unique<echo_child>(program));
    result.back()->await(1);  // Ready.
  }
  return result;
}

}  // namespace

figures worker_rtt_floor(const std::string& program, std::size_t workers, bool with_epoll,
                         double seconds) {
  const auto children = start_children(program, workers);
  const auto picks = zipf_picks(workers);
  const poller all;
  if (with_epoll)
    for (std::size_t i = 0; i < workers; ++i) {
      children[i]->not_blocking();
      all.add(*children[i], i);
    }
  latency_recorder latencies;
  const auto warm_until = now_ns() + static_cast<std::int64_t>(seconds * 1e9 / 4);
  const auto until = warm_until + static_cast<std::int64_t>(seconds * 1e9);
  std::uint64_t sent = 0;
  std::array<epoll_event, 64> events{};
  for (auto since = now_ns(); since < until; since = now_ns()) {
    auto& one = *children[picks[sent % picks.size()]];
    one.send(sent++);
    if (with_epoll) {
      int frames = 0;
      while (frames == 0)
        if (all.wait(events) > 0) frames = std::max(one.receive(), 0);
    } else {
      one.await(1);
    }
    if (since >= warm_until) latencies.add(now_ns() - since);
  }
  return figures_of(latencies, seconds);
}

figures worker_load_floor(const std::string& program, std::size_t workers, std::size_t window,
                          double seconds) {
  const auto children = start_children(program, workers);
  const auto picks = zipf_picks(workers);
  const poller all;
  for (std::size_t i = 0; i < workers; ++i) {
    children[i]->not_blocking();
    all.add(*children[i], i);
  }
  latency_recorder latencies;
  std::vector<std::deque<std::int64_t>> lines(workers);  // The worker has the first of each.
  const auto warm_until = now_ns() + static_cast<std::int64_t>(seconds * 1e9 / 4);
  const auto until = warm_until + static_cast<std::int64_t>(seconds * 1e9);
  std::uint64_t sent = 0;
  const auto submit = [&] {
    const auto child = picks[sent % picks.size()];
    lines[child].push_back(now_ns());
    if (lines[child].size() == 1) children[child]->send(sent);
    ++sent;
  };
  for (std::size_t i = 0; i < window; ++i) submit();
  std::array<epoll_event, 64> events{};
  for (auto outstanding = window; outstanding > 0;) {
    const int count = all.wait(events);
    for (int i = 0; i < count; ++i) {
      const auto child = events[static_cast<std::size_t>(i)].data.u64;
      for (auto frames = children[child]->receive(); frames > 0; --frames) {
        const auto at = now_ns();
        if (at >= warm_until && at < until) latencies.add(at - lines[child].front());
        lines[child].pop_front();
        if (!lines[child].empty()) children[child]->send(sent);
        if (at < until)
          submit();
        else
          --outstanding;
      }
    }
  }
  return figures_of(latencies, seconds);
}

figures cold_start_floor(const std::string& program, std::size_t at_once, double seconds) {
  latency_recorder latencies;
  const auto begin = now_ns();
  const auto until = begin + static_cast<std::int64_t>(seconds * 1e9);
  while (now_ns() < until) {
    const poller all;
    std::vector<std::unique_ptr<echo_child>> children;
    const auto since = now_ns();
    for (std::size_t i = 0; i < at_once; ++i) {
      children.push_back(std::make_unique<echo_child>(program));
      children.back()->send(i);
      children.back()->not_blocking();
      all.add(*children.back(), i);
    }
    std::vector<int> frames(at_once, 2);  // `ready`, then the answer.
    std::array<epoll_event, 64> events{};
    for (auto left = at_once; left > 0;) {
      const int count = all.wait(events);
      for (int i = 0; i < count; ++i) {
        const auto child = events[static_cast<std::size_t>(i)].data.u64;
        if (frames[child] == 0) continue;
        frames[child] -= std::max(children[child]->receive(), 0);
        if (frames[child] > 0) continue;
        latencies.add(now_ns() - since);
        --left;
      }
    }
  }
  return figures_of(latencies, static_cast<double>(now_ns() - begin) / 1e9);
}

}  // namespace greenroom::bench
