// One HTTP server as a worker: its process if the node starts one, its health, its calls.
#pragma once

#include "config/specialist.hpp"
#include "protocols/base/expected.hpp"
#include "protocols/base/http_url.hpp"
#include "protocols/task.hpp"
#include "runtime/machine/http/http_call.hpp"
#include "runtime/machine/process/child_process.hpp"
#include "runtime/machine/process/free_port.hpp"
#include "runtime/machine/process/last_words.hpp"
#include "runtime/machine/process/line_limit.hpp"
#include "runtime/machine/process/port_listener.hpp"
#include "runtime/machine/worker/given_port.hpp"
#include "runtime/machine/worker/http_reply.hpp"
#include "runtime/machine/worker/worker.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace greenroom::machine {

/// All methods except `abandon` run on one loop.
class http_server final : public child_listener, public std::enable_shared_from_this<http_server> {
public:
  http_server(const config::specialist& who, const worker_surroundings& where,
              std::shared_ptr<worker_events> events);

  void start();

  void run(protocols::task_ptr job);

  void cancel(const protocols::task_ptr& job);

  void ping();

  void stop(std::chrono::milliseconds grace);

  void abandon();

  [[nodiscard]] int pid() const { return child_ ? child_->pid() : 0; }

private:
  void prepare(http_call& call, bool is_probe);

  struct open_call {
    protocols::task_ptr job;
    std::shared_ptr<http_call> call;
    std::shared_ptr<http_reply> reply;
    std::shared_ptr<boost::asio::steady_timer> limit;  ///< Timeout of this attempt; empty: none.
  };

  std::shared_ptr<worker_events> events();

  // The process, if there is one.

  void on_started() override;
  void on_bytes(std::string_view bytes) override;
  void on_line(std::string_view line) override;
  void on_broken(std::string_view) override {}  // A server may close its pipes.
  void on_gone(bool started, std::string how) override;

  // The port.

  /// Checks that the listener is the child before an answer is trusted.
  void look_who_listens(const http_call::endpoint& there, const http_call::endpoint& here,
                        bool is_probe, std::function<void(std::string)> go_on);

  std::string fault_of(const std::vector<listening_socket>& sockets, const listener_finding& found,
                       std::uint16_t port);

  // Health.

  /// Probes the health, repeatedly until the server is healthy, first after `delay`.
  void probe(std::chrono::microseconds delay);

  void probed(const http_answer& answer, std::chrono::microseconds delay);

  void give_up();

  // Tasks.

  void keep(std::shared_ptr<http_connection> connection);

  /// Returns a kept connection that the server has not closed.
  std::shared_ptr<http_connection> take_idle();

  void begin(protocols::task_ptr job, std::shared_ptr<http_connection> connection);

  /// Returns a timer that cancels an attempt without any answer.
  std::shared_ptr<boost::asio::steady_timer> limit_of(const http_call* call);

  void ended(const http_call* call, http_answer answer);

  void close_all();

  void depart(std::string why);

  config::specialist who_;  ///< With the port filled in.
  const worker_surroundings where_;
  boost::asio::io_context& loop_;
  boost::asio::steady_timer start_timer_, probe_timer_, give_up_probe_timer_;
  base::expected<base::http_url> address_{base::problem{}};
  std::unique_ptr<free_port> port_;
  const std::string instance_ = fresh_instance();
  std::vector<std::uint64_t> trusted_;  ///< Inodes of the child's listening sockets.
  std::string stranger_;                ///< Describes a foreign listener on the port.
  std::int64_t stranger_since_ns_ = 0;
  std::shared_ptr<child_process> child_;
  std::shared_ptr<http_call> probing_;
  std::vector<std::shared_ptr<http_connection>> idle_;
  std::vector<open_call> open_;
  line_limit said_;
  bool ready_ = false, asked_ = false, over_ = false;
  std::string reason_, last_health_;
  last_words last_words_;

  std::mutex mutex_;  ///< Guards the members below.
  std::shared_ptr<worker_events> events_;
};

}  // namespace greenroom::machine
