// An HTTP server of the test's own that is told what to answer, and a specialist that asks it.
#pragma once

#include "tests/machine/worker_world.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace greenroom::machine::testing {

/// A free port, as far as one can know.
inline std::string a_free_port() {
  boost::asio::io_context io;
  const boost::asio::ip::tcp::acceptor probe{io, {boost::asio::ip::address_v4::loopback(), 0}};
  return std::to_string(probe.local_endpoint().port());
}

inline config::specialist serves(const std::string& port, std::vector<std::string> command = {}) {
  config::specialist who;
  who.name = "model-server";
  who.backend.kind = config::backend_kind::http;
  who.backend.url = "http://127.0.0.1:" + port;
  who.backend.path = "/work";
  who.backend.command = std::move(command);
  who.backend.start_timeout = patience;
  return who;
}

/// Answers each request with what is written for it. One thread a connection.
class puppet_server {
public:
  /// Given the request's head and body, returns all bytes of the answer; empty closes instead.
  using script = std::function<std::string(const std::string& head, const std::string& body)>;
  explicit puppet_server(script say) : say_{std::move(say)} {
    thread_ = std::thread{[this] {
      for (;;) {
        boost::system::error_code error;
        auto socket = std::make_shared<boost::asio::ip::tcp::socket>(io_);
        acceptor_.accept(*socket, error);
        if (error || done_) return;
        ++connections;
        const std::lock_guard lock{mutex_};
        sockets_.push_back(socket);
        talks_.emplace_back([this, socket] { talk(*socket); });
      }
    }};
  }
  ~puppet_server() {
    done_ = true;
    ::shutdown(acceptor_.native_handle(), SHUT_RDWR);
    thread_.join();
    for (auto& one : sockets_) ::shutdown(one->native_handle(), SHUT_RDWR);
    for (auto& one : talks_) one.join();
  }
  [[nodiscard]] std::string port() const {
    return std::to_string(acceptor_.local_endpoint().port());
  }
  std::atomic<int> connections{0};

private:
  void talk(boost::asio::ip::tcp::socket& socket) {
    std::string got;
    boost::system::error_code error;
    for (;;) {
      const auto end =
          boost::asio::read_until(socket, boost::asio::dynamic_buffer(got), "\r\n\r\n", error);
      if (error) return;
      const auto head = got.substr(0, end);
      const auto at = head.find("Content-Length: ");
      const auto length = at == std::string::npos ? 0 : std::stoul(head.substr(at + 16));
      if (got.size() < end + length)
        boost::asio::read(socket, boost::asio::dynamic_buffer(got),
                          boost::asio::transfer_exactly(end + length - got.size()), error);
      const auto answer = say_(head, got.substr(end, length));
      got.erase(0, end + length);
      if (answer.empty()) {
        ::shutdown(socket.native_handle(), SHUT_RDWR);
        return;
      }
      boost::asio::write(socket, boost::asio::buffer(answer), error);
      if (answer.starts_with("HTTP/1.0 ")) {  // Its end is that of the connection.
        ::shutdown(socket.native_handle(), SHUT_RDWR);
        return;
      }
    }
  }

  script say_;
  std::atomic<bool> done_{false};
  boost::asio::io_context io_;
  boost::asio::ip::tcp::acceptor acceptor_{io_, {boost::asio::ip::address_v4::loopback(), 0}};
  std::mutex mutex_;
  std::vector<std::shared_ptr<boost::asio::ip::tcp::socket>> sockets_;
  std::vector<std::thread> talks_;
  std::thread thread_;
};

inline std::string plain(int status, const std::string& body) {
  return "HTTP/1.1 " + std::to_string(status)
         + " X\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}
inline bool asks_health(const std::string& head) { return head.starts_with("GET /health "); }

}  // namespace greenroom::machine::testing
