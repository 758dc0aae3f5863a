// The I/O threads of a node: all pipes, sockets and timers of the machine live here.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

namespace greenroom::machine {

/// A few threads, each with an event loop of its own. Whatever is bound to one loop runs on one
/// thread only and needs no lock.
class engine {
public:
  /// Runs on each I/O thread between its handlers, so that work which the handlers caused can be
  /// done there at once instead of waking another thread.
  class companion {
  public:
    virtual ~companion() = default;
    /// Does what is there to do. Called after every handler.
    virtual void drain() = 0;
  };
  using companion_factory =
      std::function<std::unique_ptr<companion>(boost::asio::io_context& loop)>;

  /// Threads start at `start`. `make_companion` may be empty; it is called on each thread.
  explicit engine(std::size_t threads, companion_factory make_companion = {});
  /// Stops. What was waiting in a loop may hold sockets and timers of another loop: every loop is
  /// emptied before the first one goes.
  ~engine();
  engine(const engine&) = delete;
  engine& operator=(const engine&) = delete;

  void start();
  /// Ends all loops and joins the threads. Handlers still waiting are dropped.
  void stop();

  [[nodiscard]] std::size_t size() const { return loops_.size(); }
  /// The loop number `index`, modulo their number.
  [[nodiscard]] boost::asio::io_context& loop(std::size_t index) {
    return loops_[index % loops_.size()]->io;
  }
  /// Loops in turn, to spread what is long-lived.
  [[nodiscard]] boost::asio::io_context& next_loop() {
    return loop(turn_.fetch_add(1, std::memory_order_relaxed));
  }

private:
  /// Asio lets go of the handlers of a context only when the context goes.
  struct loop_context : boost::asio::io_context {
    using boost::asio::io_context::io_context;
    void drop_handlers() { shutdown(); }
  };
  struct one_loop {
    loop_context io{1};
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> busy{
        boost::asio::make_work_guard(io)};
    std::thread thread;
  };
  void run(one_loop& mine);

  std::vector<std::unique_ptr<one_loop>> loops_;
  companion_factory make_companion_;
  std::atomic<std::size_t> turn_{0};
};

}  // namespace greenroom::machine
