#include "runtime/machine/process/child_process.hpp"
#include "runtime/machine/io/clock.hpp"
#include "runtime/machine/process/sweep.hpp"

#include <boost/asio/post.hpp>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

namespace greenroom::machine {
namespace {

namespace asio = boost::asio;
using asio::posix::descriptor_base;

/// A worker with a longer queue of unread input does not read at all.
constexpr std::size_t queue_bytes_max = std::size_t{64} << 20;
constexpr std::size_t read_bytes = std::size_t{64} << 10;
/// Limit on standard-error bytes in a tenth of a second; beyond it the pipe fills up.
constexpr std::int64_t log_bytes_per_tenth = std::int64_t{256} << 10;
constexpr std::int64_t tenth_ns = 100'000'000;
/// After the child's end a grandchild may go on writing; the child's own last output fits a socket.
constexpr int last_reads_max = 64;
/// An ending process closes its pipes first; after this time the process counts as broken.
constexpr std::chrono::milliseconds end_follows{100};

/// One buffer a thread: output is parsed in place.
std::array<char, read_bytes>& read_room() {
  static thread_local const auto room = std::make_unique<std::array<char, read_bytes>>();
  return *room;
}

std::string describe(const siginfo_t& end) {
  if (end.si_code == CLD_EXITED) return "exited with status " + std::to_string(end.si_status);
  return "killed by signal " + std::to_string(end.si_status) + " (" + ::strsignal(end.si_status)
         + ")";
}

}  // namespace

child_process::child_process(asio::io_context& loop)
    : loop_{loop},
      output_{loop},
      errors_{loop},
      end_{loop},
      input_{loop},
      kill_timer_{loop},
      suspicion_timer_{loop},
      pause_timer_{loop} {}

child_process::~child_process() {
  const std::lock_guard lock{mutex_};
  signal_group(SIGKILL);
  // The loop that would reap the child is gone. The child is killed, so waitpid returns soon.
  if (const int left = pid(); left > 0 && !reaped_)
    spawner::shared().ask([left, keeper = std::move(keeper_), place = std::move(place_)] {
      ::waitpid(left, nullptr, 0);
      forget_spawned(left);
      if (keeper) keeper->ended(place, left);
    });
}

std::shared_ptr<child_listener> child_process::listener() {
  const std::lock_guard lock{mutex_};
  return listener_;
}

void child_process::start(launch_order order, std::shared_ptr<child_listener> listener) {
  {
    const std::lock_guard lock{mutex_};
    listener_ = std::move(listener);
    launching_ = true;
  }
  spawner::shared().ask(
      [self = shared_from_this(), order = std::move(order)]() mutable { self->launch_now(order); });
}

void child_process::launch_now(launch_order& order) {
  std::unique_lock lock{mutex_};
  if (!abandoned_) {
    lock.unlock();
    process_keeper::place place;
    if (order.keeper) {
      place = order.keeper->add();
      order.group = place.group;
      order.env[worker_variable] = std::to_string(place.serial);
    }
    auto fresh = launch(order);
    if (order.keeper) {
      if (fresh.pid > 0 && !fresh.grouped) order.keeper->loosen(place);
      if (fresh.pid > 0)
        order.keeper->started(place, fresh.pid);
      else
        order.keeper->ended(place, 0);
    }
    lock.lock();
    if (fresh.pid > 0) {
      keeper_ = std::move(order.keeper);
      place_ = std::move(place);
    }
    // Published at once, so that an early end of the node still kills the child.
    pid_.store(fresh.pid, std::memory_order_release);
    if (abandoned_) signal_group(SIGKILL);
    asio::post(loop_, [self = shared_from_this(), fresh = std::move(fresh)]() mutable {
      self->adopt(std::move(fresh));
    });
  }
  launching_ = false;
  launch_over_.notify_all();
}

void child_process::adopt(launched fresh) {
  if (fresh.pid == 0) {
    std::shared_ptr<child_listener> observer;
    {
      const std::lock_guard lock{mutex_};
      reaped_ = true;
      observer = std::move(listener_);
    }
    if (observer) observer->on_gone(false, std::move(fresh.error));
    return;
  }
  output_.assign(fresh.out.release());
  errors_.assign(fresh.err.release());
  end_.assign(fresh.pidfd.release());
  bool stop_now = false;
  {
    const std::lock_guard lock{mutex_};
    in_ = std::move(fresh.in);
    adopted_ = true;
    if (abandoned_) signal_group(SIGKILL);
    stop_now = stopping_ && !abandoned_;
  }
  end_.async_wait(descriptor_base::wait_read,
                  [self = shared_from_this()](boost::system::error_code error) {
                    if (!error) self->on_end();
                  });
  read_output();
  read_errors();
  if (stop_now) {
    stop(grace_);
  } else if (const auto observer = listener()) {
    observer->on_started();
    write({});
  }
}

void child_process::read_output() {
  output_.async_wait(descriptor_base::wait_read,
                     [self = shared_from_this()](boost::system::error_code error) {
                       if (!error) self->on_readable();
                     });
}

void child_process::on_readable() {
  auto& room = read_room();
  const auto count = ::recv(output_.native_handle(), room.data(), room.size(), MSG_DONTWAIT);
  if (count > 0) {
    if (const auto observer = listener())
      observer->on_bytes({room.data(), static_cast<std::size_t>(count)});
  } else if (count == 0 || (errno != EAGAIN && errno != EINTR)) {
    // The pidfd reports the child's end. A living child without output is useless.
    suspect("closed its standard output");
    return;
  }
  if (output_.is_open()) read_output();
}

void child_process::read_errors() {
  errors_.async_wait(descriptor_base::wait_read,
                     [self = shared_from_this()](boost::system::error_code error) {
                       if (!error) self->on_errors();
                     });
}

void child_process::on_errors() {
  auto& room = read_room();
  const auto count = ::read(errors_.native_handle(), room.data(), room.size());
  if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)) return;
  if (count > 0) log({room.data(), static_cast<std::size_t>(count)});
  const auto now = steady_now_ns();
  if (now - log_since_ns_ > tenth_ns) {
    log_since_ns_ = now;
    log_bytes_ = 0;
  }
  log_bytes_ += count;
  if (log_bytes_ < log_bytes_per_tenth) return read_errors();
  // Slows down a flood of log lines at its source: the pipe fills and the worker waits.
  pause_timer_.expires_after(std::chrono::milliseconds{100});
  pause_timer_.async_wait([self = shared_from_this()](boost::system::error_code error) {
    if (!error && self->errors_.is_open()) self->read_errors();
  });
}

void child_process::log(std::string_view bytes) {
  if (const auto observer = listener())
    lines_.feed(bytes, steady_now_ns(), [&](std::string_view line) { observer->on_line(line); });
}

void child_process::on_end() {
  siginfo_t end{};
  // The child stays a zombie until the second waitid, so that the kernel cannot reuse the pid,
  // which is also the process group's id, before the group is killed.
  if (::waitid(P_PIDFD, static_cast<id_t>(end_.native_handle()), &end, WEXITED | WNOHANG | WNOWAIT)
          != 0
      || end.si_pid == 0) {
    if (errno != ECHILD) {
      end_.async_wait(descriptor_base::wait_read,
                      [self = shared_from_this()](boost::system::error_code error) {
                        if (!error) self->on_end();
                      });
      return;
    }
    end.si_code = CLD_EXITED;  // Another part of the process reaped the child (SIGCHLD ignored).
  }
  // Deliver the last output before the end.
  auto& room = read_room();
  for (int i = 0; i < last_reads_max && output_.is_open(); ++i) {
    const auto count = ::recv(output_.native_handle(), room.data(), room.size(), MSG_DONTWAIT);
    if (count <= 0) break;
    if (const auto observer = listener())
      observer->on_bytes({room.data(), static_cast<std::size_t>(count)});
  }
  for (int i = 0; i < last_reads_max; ++i) {
    const auto count = ::read(errors_.native_handle(), room.data(), room.size());
    if (count <= 0) break;
    log({room.data(), static_cast<std::size_t>(count)});
  }
  std::shared_ptr<child_listener> observer;
  {
    const std::lock_guard lock{mutex_};
    // Not the keeper's group: the keeper counts the remaining processes, and then kills them.
    if (const int group = pid(); group > 0) ::kill(-group, SIGKILL);
    siginfo_t reaped{};
    ::waitid(P_PIDFD, static_cast<id_t>(end_.native_handle()), &reaped, WEXITED | WNOHANG);
    forget_spawned(pid());
    tell_keeper();
    reaped_ = true;
    in_.close();
    queue_.clear();
    observer = std::move(listener_);
  }
  boost::system::error_code ignored;
  output_.close(ignored);
  errors_.close(ignored);
  end_.close(ignored);
  input_.close(ignored);
  kill_timer_.cancel();
  suspicion_timer_.cancel();
  pause_timer_.cancel();
  if (!observer) return;
  lines_.finish(steady_now_ns(), [&](std::string_view line) { observer->on_line(line); });
  observer->on_gone(true, describe(end));
}

void child_process::write(std::string_view bytes) {
  const std::lock_guard lock{mutex_};
  if (reaped_ || stopping_) return;
  if (!in_ || waiting_for_room_ || !queue_.empty()) {
    // Not started yet, or the child does not read: append to the queue to keep the order.
    queue_.append(bytes);
    if (queue_.size() - queue_sent_ > queue_bytes_max)
      asio::post(loop_, [self = shared_from_this()] {
        self->tell_broken("does not read its standard input");
      });
    if (!in_ || waiting_for_room_) return;
  } else {
    const auto count =
        ::send(in_.number(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count == static_cast<ssize_t>(bytes.size())) return;
    if (count < 0 && errno != EAGAIN && errno != EINTR) {
      asio::post(loop_,
                 [self = shared_from_this()] { self->suspect("closed its standard input"); });
      return;
    }
    queue_.append(bytes.substr(count > 0 ? static_cast<std::size_t>(count) : 0));
  }
  if (send_some()) return;
  waiting_for_room_ = true;
  asio::post(loop_, [self = shared_from_this()] { self->on_writable(); });
}

bool child_process::send_some() {
  while (queue_sent_ < queue_.size()) {
    const auto count = ::send(in_.number(), queue_.data() + queue_sent_,
                              queue_.size() - queue_sent_, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN) return false;
      asio::post(loop_,
                 [self = shared_from_this()] { self->suspect("closed its standard input"); });
      break;
    }
    queue_sent_ += static_cast<std::size_t>(count);
  }
  std::string{}.swap(queue_);
  queue_sent_ = 0;
  return true;
}

void child_process::on_writable() {
  const std::lock_guard lock{mutex_};
  if (!in_ || reaped_ || stopping_ || send_some()) {
    waiting_for_room_ = false;
    return;
  }
  if (!input_.is_open()) input_.assign(::fcntl(in_.number(), F_DUPFD_CLOEXEC, 3));
  input_.async_wait(descriptor_base::wait_write,
                    [self = shared_from_this()](boost::system::error_code error) {
                      if (!error) self->on_writable();
                    });
}

void child_process::suspect(const char* why) {
  if (!end_.is_open() || broken_told_) return;
  suspicion_timer_.expires_after(end_follows);
  suspicion_timer_.async_wait([self = shared_from_this(), why](boost::system::error_code error) {
    if (!error && self->end_.is_open()) self->tell_broken(why);
  });
}

void child_process::tell_broken(const char* why) {
  if (std::exchange(broken_told_, true)) return;
  if (const auto observer = listener()) observer->on_broken(why);
}

void child_process::signal_group(int number) {
  if (const int group = pid(); group > 0 && !reaped_) {
    ::kill(-group, number);
    if (number == SIGKILL && keeper_) keeper_->kill(place_);
  }
}

void child_process::note_ready() {
  const std::lock_guard lock{mutex_};
  if (keeper_) keeper_->ready();
}

void child_process::tell_keeper() {
  if (const auto keeper = std::move(keeper_)) keeper->ended(place_, pid());
}

void child_process::stop(std::chrono::milliseconds grace) {
  {
    const std::lock_guard lock{mutex_};
    if (reaped_) return;
    stopping_ = true;
    grace_ = grace;
    if (!adopted_) return;  // `adopt` calls `stop` again.
    // Shut down before the close, because `input_` may hold a duplicate of the descriptor.
    if (in_) ::shutdown(in_.number(), SHUT_RDWR);
    in_.close();
    signal_group(grace.count() > 0 ? SIGTERM : SIGKILL);
  }
  asio::post(loop_, [self = shared_from_this(), grace] {
    boost::system::error_code ignored;
    self->input_.close(ignored);
    if (!self->end_.is_open()) return;
    self->kill_timer_.expires_after(grace);
    self->kill_timer_.async_wait([self](boost::system::error_code error) {
      if (error) return;
      const std::lock_guard lock{self->mutex_};
      self->signal_group(SIGKILL);
    });
  });
}

void child_process::abandon() {
  std::shared_ptr<child_listener> dropped;
  std::unique_lock lock{mutex_};
  // The loop may be destroyed as soon as the caller goes on, and the spawner is about to use the
  // loop. A launch that has not begun is skipped, so the wait is below a millisecond.
  abandoned_ = true;
  launch_over_.wait(lock, [this] { return !launching_; });
  dropped = std::move(listener_);
  signal_group(SIGKILL);
}

}  // namespace greenroom::machine
