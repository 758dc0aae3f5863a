#include "runtime/machine/http/address_claim.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>

namespace greenroom::machine::http {

address_claim::~address_claim() {
  if (fd_ >= 0) ::close(fd_);
}

bool address_claim::take(const std::string& address_text, std::uint16_t port) {
  const auto name = "greenroom " + address_text + " " + std::to_string(port);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  // A leading zero byte: an abstract name without a file.
  std::copy(name.begin(), name.end(), address.sun_path + 1);
  fd_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd_ < 0) return true;
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  return ::bind(fd_, reinterpret_cast<const sockaddr*>(&address), size) == 0  // NOLINT
         || errno != EADDRINUSE;
}

void expect_free(boost::asio::io_context& io, const boost::asio::ip::address& address,
                 std::uint16_t port) {
  if (port == 0) return;
  using boost::asio::ip::tcp;
  const tcp::endpoint where{address, port};
  tcp::acceptor alone{io};
  alone.open(where.protocol());
  alone.set_option(boost::asio::socket_base::reuse_address{true});
  alone.bind(where);
}

}  // namespace greenroom::machine::http
