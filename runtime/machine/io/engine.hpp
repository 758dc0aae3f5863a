// The node's I/O threads: all pipes, sockets and timers of `runtime/machine` run here.
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

/// A few threads, each with its own event loop. Objects bound to one loop run on one thread only
/// and need no lock.
class engine {
public:
  /// Runs on each I/O thread between the handlers, so that work that handlers cause is done there
  /// at once, without waking another thread.
  class companion {
  public:
    virtual ~companion() = default;
    /// Does the pending work. Called after every handler.
    virtual void drain() = 0;
  };
  using companion_factory =
      std::function<std::unique_ptr<companion>(boost::asio::io_context& loop)>;

  /// Threads start at `start`. `make_companion` may be empty; it is called on each thread.
  explicit engine(std::size_t threads, companion_factory make_companion = {});
  /// Stops. A loop's pending handlers may hold sockets and timers of another loop, so every loop is
  /// emptied before the first one is destroyed.
  ~engine();
  engine(const engine&) = delete;
  engine& operator=(const engine&) = delete;

  void start();
  /// Ends all loops and joins the threads. Drops pending handlers.
  void stop();

  [[nodiscard]] std::size_t size() const { return loops_.size(); }
  /// Returns loop `index`, modulo the number of loops.
  [[nodiscard]] boost::asio::io_context& loop(std::size_t index) {
    return loops_[index % loops_.size()]->io;
  }
  /// Returns the loops in turn, to spread long-lived objects.
  [[nodiscard]] boost::asio::io_context& next_loop() {
    return loop(turn_.fetch_add(1, std::memory_order_relaxed));
  }

private:
  /// Asio drops a context's handlers only when the context is destroyed.
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
