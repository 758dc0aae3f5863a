// A small real HTTP server that answers as it is told, and remembers what it was sent.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace greenroom::tests {

class scripted_server {
public:
  /// Statuses for the first requests, in order; what comes after them gets 200. 0 stands for a
  /// connection that is closed without an answer.
  explicit scripted_server(std::deque<int> statuses = {}) : statuses_{std::move(statuses)} {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in here{};
    here.sin_family = AF_INET;
    here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof here;
    if (listener_ < 0 || ::bind(listener_, reinterpret_cast<sockaddr*>(&here), size) != 0
        || ::listen(listener_, 16) != 0
        || ::getsockname(listener_, reinterpret_cast<sockaddr*>(&here), &size) != 0)
      throw std::runtime_error{"no listening socket"};
    port_ = ntohs(here.sin_port);
    thread_ = std::thread{[this] { serve(); }};
  }
  ~scripted_server() {
    stop_ = true;
    thread_.join();
    ::close(listener_);
  }
  scripted_server(const scripted_server&) = delete;
  scripted_server& operator=(const scripted_server&) = delete;

  [[nodiscard]] std::string url(const std::string& path = "/hook") const {
    return "http://127.0.0.1:" + std::to_string(port_) + path;
  }
  struct request {
    std::string head, body;
    int answered = 0;
  };
  [[nodiscard]] std::vector<request> requests() const {
    const std::lock_guard lock{mutex_};
    return requests_;
  }

private:
  void serve() {
    while (!stop_) {
      pollfd waiting{listener_, POLLIN, 0};
      if (::poll(&waiting, 1, 20) <= 0) continue;
      const int one = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (one < 0) continue;
      answer(one);
      ::close(one);
    }
  }
  void answer(int one) {
    std::string all;
    char piece[4096];
    auto head_end = std::string::npos;
    std::size_t length = 0;
    while (head_end == std::string::npos || all.size() < head_end + 4 + length) {
      const auto got = ::recv(one, piece, sizeof piece, 0);
      if (got <= 0) return;
      all.append(piece, static_cast<std::size_t>(got));
      head_end = all.find("\r\n\r\n");
      if (const auto at = all.find("Content-Length: "); at != std::string::npos)
        length = std::strtoul(all.c_str() + at + 16, nullptr, 10);
    }
    int status = 200;
    {
      const std::lock_guard lock{mutex_};
      if (!statuses_.empty()) {
        status = statuses_.front();
        statuses_.pop_front();
      }
      requests_.push_back({all.substr(0, head_end), all.substr(head_end + 4), status});
    }
    if (status == 0) return;
    const auto reply = "HTTP/1.1 " + std::to_string(status)
                       + " Said\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    static_cast<void>(::send(one, reply.data(), reply.size(), MSG_NOSIGNAL));
  }

  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<bool> stop_{false};
  mutable std::mutex mutex_;
  std::deque<int> statuses_;
  std::vector<request> requests_;
  std::thread thread_;
};

}  // namespace greenroom::tests
