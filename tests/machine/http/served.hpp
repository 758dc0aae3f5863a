// A running HTTP server and what its tests share.
#pragma once

#include "runtime/machine/http/server.hpp"

#include "tests/machine/http/raw_client.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace greenroom::tests {

using machine::engine;
namespace http = machine::http;

/// A server on free ports of its own loops; stops at the end of the scope.
struct served {
  explicit served(http::server::handler handle, http::server_options options = {},
                  std::size_t loops = 1)
      : on{loops} {
    on.start();
    auto made = http::server::start(on, options, std::move(handle));
    if (!made) {
      ADD_FAILURE() << made.error().text;
      std::abort();
    }
    server = *std::move(made);
  }
  ~served() {
    server->stop();
    on.stop();
  }
  std::uint16_t port() const { return server->port(); }

  engine on;
  std::unique_ptr<http::server> server;
};

inline void echo(http::request& asked, const http::responder& reply) {
  reply.answer(200, "text/plain", asked.take_body());
}

/// Passes values in order to a thread that waits for them.
template <class T>
class handover {
public:
  void put(T value) {
    const std::lock_guard lock{guard_};
    values_.push_back(std::move(value));
    changed_.notify_all();
  }
  std::vector<T> take(std::size_t count) {
    std::unique_lock lock{guard_};
    changed_.wait_for(lock, std::chrono::seconds{20}, [&] { return values_.size() >= count; });
    return std::exchange(values_, {});
  }

private:
  std::mutex guard_;
  std::condition_variable changed_;
  std::vector<T> values_;
};

/// Until the server has read what the client sent.
inline void expect_taken(const raw_client& client) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds{20};
  while (!client.taken()) {
    ASSERT_LT(std::chrono::steady_clock::now(), until);
    std::this_thread::yield();
  }
}

/// More than the buffers of both sockets take.
inline constexpr std::size_t large_bytes = std::size_t{32} << 20;

}  // namespace greenroom::tests
