// A client that says exactly what it is told to, byte by byte.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>

namespace greenroom::tests {

class raw_client {
public:
  /// Connects; `ok` says whether that worked.
  explicit raw_client(std::uint16_t port, int receive_buffer = 0)
      : socket_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
    if (receive_buffer > 0)
      ::setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    const int on = 1;
    ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    sockaddr_in where{};
    where.sin_family = AF_INET;
    where.sin_port = htons(port);
    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ok_ = ::connect(socket_, reinterpret_cast<const sockaddr*>(&where), sizeof where) == 0;
  }
  raw_client(raw_client&& other) noexcept
      : socket_{std::exchange(other.socket_, -1)}, ok_{other.ok_}, read_{std::move(other.read_)} {}
  raw_client(const raw_client&) = delete;
  raw_client& operator=(const raw_client&) = delete;
  ~raw_client() { close(); }

  [[nodiscard]] bool ok() const { return ok_; }

  /// False when the other side has closed.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  void close() {
    if (socket_ >= 0) ::close(socket_);
    socket_ = -1;
  }
  /// Closes so that the other side sees a reset.
  void reset() {
    const linger now{1, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close();
  }
  /// Whether the other side, on this machine, has read all that was sent.
  [[nodiscard]] bool taken() const {
    sockaddr_in mine{}, theirs{};
    socklen_t size = sizeof mine, more = sizeof theirs;
    ::getsockname(socket_, reinterpret_cast<sockaddr*>(&mine), &size);
    ::getpeername(socket_, reinterpret_cast<sockaddr*>(&theirs), &more);
    char ends[64];
    std::snprintf(ends, sizeof ends, "%04X 0100007F:%04X ", ntohs(theirs.sin_port),
                  ntohs(mine.sin_port));
    // "sl: here:PORT there:PORT st tx_queue:rx_queue"
    std::ifstream table{"/proc/net/tcp"};
    for (std::string line; std::getline(table, line);)
      if (const auto at = line.find(ends); at != std::string::npos)
        return line.compare(at + std::strlen(ends) + 12, 8, "00000000") == 0;
    return false;
  }
  void end_sending() { ::shutdown(socket_, SHUT_WR); }

  /// One answer, head and body; what follows it stays. Empty when the connection ends before.
  /// `without_body`: the answer to HEAD.
  std::string answer(bool without_body = false) {
    if (!read_until("\r\n\r\n")) return {};
    const auto head_end = read_.find("\r\n\r\n") + 4;
    std::size_t body = 0;
    if (!without_body) {
      const auto at = read_.find("Content-Length: ");
      if (at < head_end) body = std::strtoul(read_.c_str() + at + 16, nullptr, 10);
    }
    while (read_.size() < head_end + body)
      if (!more()) return {};
    auto result = read_.substr(0, head_end + body);
    read_.erase(0, head_end + body);
    return result;
  }
  /// Everything until the other side closes or resets.
  std::string rest() {
    while (more()) {
    }
    return std::exchange(read_, {});
  }
  /// Reads until `text` has been seen; gives all up to its end, or nothing.
  std::string until(std::string_view text) {
    if (!read_until(text)) return {};
    const auto end = read_.find(text) + text.size();
    auto result = read_.substr(0, end);
    read_.erase(0, end);
    return result;
  }

private:
  bool read_until(std::string_view text) {
    while (read_.find(text) == std::string::npos)
      if (!more()) return false;
    return true;
  }
  bool more() {
    // A test that waits in vain has to end some day.
    pollfd wait{socket_, POLLIN, 0};
    if (::poll(&wait, 1, 120'000) <= 0) return false;
    char bytes[65536];
    const auto got = ::recv(socket_, bytes, sizeof bytes, 0);
    if (got <= 0) return false;
    read_.append(bytes, static_cast<std::size_t>(got));
    return true;
  }

  int socket_ = -1;
  bool ok_ = false;
  std::string read_;
};

inline std::string post(std::string_view path, std::string_view body,
                        std::string_view headers = {}) {
  return "POST " + std::string{path} + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: "
         + std::to_string(body.size()) + "\r\n" + std::string{headers} + "\r\n" + std::string{body};
}
inline std::string get(std::string_view path) {
  return "GET " + std::string{path} + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
}
inline int status_of(std::string_view answer) {
  return answer.size() < 12 ? 0 : std::atoi(std::string{answer.substr(9, 3)}.c_str());
}
inline std::string_view body_of(std::string_view answer) {
  const auto end = answer.find("\r\n\r\n");
  return end == std::string_view::npos ? std::string_view{} : answer.substr(end + 4);
}

}  // namespace greenroom::tests
