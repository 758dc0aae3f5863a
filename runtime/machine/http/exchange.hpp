// One RESTinio request on its way through a handler to the answer.
#pragma once

#include "runtime/machine/http/connection_record.hpp"
#include "runtime/machine/http/response_head.hpp"

#include <restinio/all.hpp>

#include <boost/asio/post.hpp>

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

namespace greenroom::machine::http {

/// The answer when no handler answered.
inline constexpr std::string_view nobody_answered = "The node failed to handle this request.";

/// A part of each RESTinio request object, so that it costs no separate allocation.
struct exchange {
  exchange() = default;
  exchange(const exchange&) = delete;
  exchange& operator=(const exchange&) = delete;
  ~exchange();  ///< Answers with a 500 if no handler has answered.

  std::shared_ptr<connection_record> connection;
  restinio::request_id_t number = 0;
  bool sent = false;        ///< RESTinio has the last part of the answer. Loop thread.
  bool head = false;        ///< HEAD: the answer has no content.
  bool old_client = false;  ///< HTTP/1.0
  bool openai = false;      ///< The path belongs to OpenAI's interface.
  bool keep_alive = true;
  std::string more_headers;  ///< Whole lines; set before the handler passes the request on.
  std::atomic<bool> answered{false};  ///< By `answer`, or by `begin`.
  std::atomic<bool> gone{false};      ///< The connection is closed.
  // For a streamed answer: pieces are queued here to keep the order of the calls.
  std::mutex guard;
  std::string outbox;
  bool flushing = false;
  bool ended = false;
  bool complete = false;
  std::atomic<std::size_t> unsent{0};
  std::function<void()> room;  ///< Called when `unsent` is 0 again. Loop thread.
};
using exchange_factory = restinio::simple_extra_data_factory_t<exchange>;
using incoming = restinio::generic_request_t<exchange>;

inline error_form error_form_of(const exchange& ours) {
  return ours.openai ? error_form::openai : error_form::problem;
}
inline incoming& of(void* inside) { return *static_cast<incoming*>(inside); }
inline exchange& exchange_of(incoming& asked) { return asked.extra_data(); }

/// Runs at once on the loop's own thread, else posts. Also posts while pipelined requests are being
/// parsed: RESTinio 0.6.16 decides at the start of a write whether to read on afterwards, and an
/// answer from within the handler can fill its request table before that, which throws.
template <class F>
void run_on_loop(const exchange& ours, F what) {
  const auto& record = *ours.connection;
  auto& home = *record.home;
  if (home.ended.load(std::memory_order_acquire)) return;
  if (home.io.get_executor().running_in_this_thread() && !(record.handling && record.unwritten > 1))
    return what();
  boost::asio::post(home.io, std::move(what));
}

/// Passes bytes to RESTinio. Loop thread.
void send(exchange& ours, std::string head, std::string body, bool last,
          std::function<void()> written = {});

}  // namespace greenroom::machine::http
