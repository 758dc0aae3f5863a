// Makes sure that no other process shares the server's address.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>

#include <cstdint>
#include <string>

namespace greenroom::machine::http {

/// Claims the address for this process. Loops share a port by SO_REUSEPORT, so a second node of the
/// same user could join silently and take half of the connections. A uniquely named abstract
/// socket, in the port's network namespace, prevents that while the process lives.
class address_claim {
public:
  address_claim() = default;
  ~address_claim();
  address_claim(const address_claim&) = delete;
  address_claim& operator=(const address_claim&) = delete;

  /// False when another process holds the claim.
  [[nodiscard]] bool take(const std::string& address_text, std::uint16_t port);

private:
  int fd_ = -1;
};

/// Throws boost::system::system_error when any process listens on the address.
void expect_free(boost::asio::io_context& io, const boost::asio::ip::address& address,
                 std::uint16_t port);

}  // namespace greenroom::machine::http
