// The calls of an HTTP server: one for each task.
#include "protocols/worker_codec.hpp"
#include "runtime/machine/worker/http_server.hpp"
#include "runtime/machine/worker/worker_command.hpp"

#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace greenroom::machine {

namespace asio = boost::asio;
using protocols::failure;
using protocols::task_ptr;

void http_server::run(task_ptr job) {
  asio::dispatch(loop_, [self = shared_from_this(), job = std::move(job)]() mutable {
    self->begin(std::move(job), self->take_idle());
  });
}

void http_server::cancel(const task_ptr& job) {
  asio::post(loop_, [self = shared_from_this(), job] {
    const auto found = std::find_if(self->open_.begin(), self->open_.end(),
                                    [&](const open_call& one) { return one.job == job; });
    if (found == self->open_.end()) return;
    found->call->cancel();
    if (found->limit) found->limit->cancel();
    self->open_.erase(found);
    if (const auto hears = self->events())
      hears->on_result(job, {failure::cancelled, false, "cancelled"});
  });
}

void http_server::keep(std::shared_ptr<http_connection> connection) {
  if (connection && idle_.size() < who_.backend.concurrency) idle_.push_back(std::move(connection));
}

std::shared_ptr<http_connection> http_server::take_idle() {
  while (!idle_.empty()) {
    auto last = std::move(idle_.back());
    idle_.pop_back();
    char byte = 0;
    const auto count = ::recv(last->socket.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (count < 0 && errno == EAGAIN) return last;
  }
  return nullptr;
}

void http_server::begin(task_ptr job, std::shared_ptr<http_connection> connection) {
  if (over_) return;
  auto call = std::make_shared<http_call>(loop_, *address_, where_.output_bytes_max);
  const auto limit = limit_of(call.get());
  const auto reply = std::make_shared<http_reply>(
      job->streaming, where_.output_bytes_max,
      [self = shared_from_this(), job](protocols::stream_form form) {
        if (const auto hears = self->events()) hears->on_form(job, form);
      },
      [self = shared_from_this(), job](std::string_view piece) {
        if (const auto hears = self->events()) hears->on_chunk(job, piece);
      });
  open_.push_back({job, call, reply, limit});
  call->on_body([reply](const http_answer& head) { return reply->begin(head); },
                [reply, limit](std::string_view piece) {
                  // The server answers: from here on only the task's timeout applies.
                  if (limit) limit->cancel();
                  return reply->take(piece);
                });
  if (job->streaming)
    call->pace([self = shared_from_this(), job] {
      const auto hears = self->events();
      return !hears || hears->takes_more(job);
    });
  const auto key = protocols::wire_name(job->id, 1);
  prepare(*call, false);
  call->start(boost::beast::http::verb::post, who_.backend.path, job->input, key,
              std::move(connection),
              [self = shared_from_this(), call = call.get()](http_answer answer) {
                self->ended(call, std::move(answer));
              });
}

std::shared_ptr<asio::steady_timer> http_server::limit_of(const http_call* call) {
  const auto most = who_.backend.attempt_timeout;
  if (most.count() == 0) return nullptr;
  auto timer = std::make_shared<asio::steady_timer>(loop_, most);
  timer->async_wait([self = shared_from_this(), call, timer](boost::system::error_code error) {
    if (error) return;
    http_answer none;
    none.failure = "no answer within " + in_words(self->who_.backend.attempt_timeout);
    for (const auto& one : self->open_)
      if (one.call.get() == call && one.limit == timer) {
        one.call->cancel();
        self->ended(call, std::move(none));
        return;
      }
  });
  return timer;
}

void http_server::ended(const http_call* call, http_answer answer) {
  const auto found = std::find_if(open_.begin(), open_.end(),
                                  [call](const open_call& one) { return one.call.get() == call; });
  if (found == open_.end()) return;
  auto job = std::move(found->job);
  const auto reply = std::move(found->reply);
  if (found->limit) found->limit->cancel();
  open_.erase(found);
  // The server closed an idle connection just when it was reused: retry on a new connection.
  if (answer.stale && job->effects != protocols::side_effects::unsafe)
    return begin(std::move(job), nullptr);
  keep(std::move(answer.connection));
  auto result = reply->end(answer, job->effects == protocols::side_effects::unsafe);
  if (const auto hears = events()) hears->on_result(std::move(job), std::move(result));
}

}  // namespace greenroom::machine
