#include "apps/load/load_driver.hpp"

#include "apps/client/seconds.hpp"
#include "runtime/machine/http/http_call.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/verb.hpp>

#include <algorithm>
#include <deque>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace greenroom::apps {
namespace {

namespace asio = boost::asio;
namespace wire = boost::beast::http;
using boost::system::error_code;
using machine::http_call;
using runtime::load::ending;
using steady = std::chrono::steady_clock;

constexpr std::chrono::milliseconds watch_every{250};
constexpr std::chrono::seconds connect_patience{5};
constexpr std::size_t answer_body_max = std::size_t{64} << 20;

std::chrono::nanoseconds nanoseconds(double seconds) {
  // A recording may contain any time; 30 years is practically never and fits the type.
  constexpr double most = 1e9;
  return std::chrono::nanoseconds{static_cast<std::int64_t>(std::min(seconds, most) * 1e9)};
}

ending ending_of(unsigned status) {
  if (status >= 200 && status < 300) return ending::completed;
  if (status == 503 || status == 429) return ending::shed;
  return status == 504 ? ending::timed_out : ending::failed;
}

class driver {
public:
  explicit driver(const load_job& job) : job_{job} {}

  load_outcome run() {
    asio::ip::tcp::resolver resolver{io_};
    error_code failed;
    const auto found = resolver.resolve(job_.where.host, std::to_string(job_.where.port), failed);
    if (failed || found.empty()) {
      outcome_.unreachable = true;
      outcome_.first_error = "cannot find the host \"" + job_.where.host + "\"";
      return std::move(outcome_);
    }
    // Each connection goes to the same address, and none waits for a name.
    url_.host = found.begin()->endpoint().address().to_string();
    url_.port = job_.where.port;
    url_.authority = job_.where.host + ":" + std::to_string(job_.where.port);
    url_.base = job_.where.path;

    interrupt_.async_wait([this](error_code code, int) {
      if (code) return;
      outcome_.interrupted = true;
      stop();
    });
    start_ = steady::now();
    measured_from_ = start_ + nanoseconds(job_.warmup_s);
    if (job_.users > 0) {
      for (std::size_t user = 0; user < job_.users; ++user) user_begins(user);
      timers_.emplace_back(std::make_unique<asio::steady_timer>(io_));
      timers_.back()->expires_at(start_ + nanoseconds(job_.duration_s));
      timers_.back()->async_wait([this](error_code code) {
        if (!code) finish_sending();
      });
    } else {
      upcoming_ = job_.next();
      send_due();
    }
    watch();
    io_.run();
    if (outcome_.elapsed_s == 0) outcome_.elapsed_s = seconds_of(steady::now() - start_);
    const double whole = job_.duration_s > 0 && !outcome_.interrupted
                             ? job_.duration_s
                             : seconds_of(ended_sending_ - start_);
    outcome_.summary.measured_s = std::max(0.0, whole - job_.warmup_s);
    outcome_.unreachable = !connected_once_ && outcome_.sent > 0;
    outcome_.gone = connected_once_ && outcome_.unanswered > 0 && !is_there();
    return std::move(outcome_);
  }

private:
  struct pending {
    load_request what;
    steady::time_point intended;
    std::optional<std::size_t> user;
  };

  struct connection : std::enable_shared_from_this<connection> {
    explicit connection(asio::io_context& io) : limit{io} {}
    asio::steady_timer limit;
    std::uint64_t turn = 0;
    std::weak_ptr<http_call> call;  ///< Keeps itself alive while it runs.
    std::shared_ptr<machine::http_connection> kept;
    pending request;
    steady::time_point sent;
  };
  using connection_ptr = std::shared_ptr<connection>;

  // -- open loop --------------------------------------------------------------

  void send_due() {
    const auto now = steady::now();
    while (upcoming_) {
      const auto due = start_ + nanoseconds(upcoming_->at_s);
      if (due > now) {
        pace_.expires_at(due);
        pace_.async_wait([this](error_code code) {
          if (!code) send_due();
        });
        return;
      }
      submit({std::move(upcoming_->what), due, std::nullopt});
      upcoming_ = job_.next();
    }
    finish_sending();
  }

  // -- closed loop ------------------------------------------------------------

  void user_begins(std::size_t user) {
    timers_.emplace_back(std::make_unique<asio::steady_timer>(io_));
    // Start with a think time, or all users would send at the same time.
    user_thinks(user);
  }

  void user_thinks(std::size_t user) {
    if (sending_over_) return;
    auto& timer = *timers_[user];
    timer.expires_after(nanoseconds(job_.think_s ? job_.think_s() : 0));
    timer.async_wait([this, user](error_code code) {
      if (!code && !sending_over_) submit({job_.ask(user), steady::now(), user});
    });
  }

  // -- both -------------------------------------------------------------------

  void submit(pending one) {
    ++outcome_.sent;
    waiting_.push_back(std::move(one));
    dispatch_waiting();
  }

  /// Assigns waiting requests to idle connections, then to new ones up to the limit.
  void dispatch_waiting() {
    while (!waiting_.empty()) {
      connection_ptr to;
      if (!idle_.empty()) {
        to = std::move(idle_.back());
        idle_.pop_back();
      } else if (open_ < job_.connections_max) {
        to = std::make_shared<connection>(io_);
        ++open_;
      } else {
        return;
      }
      to->request = std::move(waiting_.front());
      waiting_.pop_front();
      ++in_flight_;
      send(to);
    }
  }

  void send(const connection_ptr& to) {
    const auto call = std::make_shared<http_call>(io_, url_, answer_body_max);
    call->name_limit("this client");
    to->call = call;
    call->verify_server(
        [this, to = std::weak_ptr{to}](const auto&, const auto&, const auto& go_on) {
          connected_once_ = true;
          if (const auto alive = to.lock()) begins(alive);
          go_on({});
        });
    if (to->kept)
      begins(to);
    else
      limit(to, connect_patience);
    call->start(wire::verb::post, to->request.what.target, to->request.what.body, {},
                std::move(to->kept), [this, to](const machine::http_answer& answer) {
                  end_of_call(to);
                  if (answer.failure.empty())
                    answered(to, answer);
                  else
                    broke(to, answer);
                });
  }

  /// The connection is there; the request is written next.
  void begins(const connection_ptr& to) {
    to->sent = steady::now();
    if (job_.users == 0)
      outcome_.latest_s = std::max(outcome_.latest_s, seconds_of(to->sent - to->request.intended));
    limit(to, job_.patience);
  }

  void limit(const connection_ptr& to, steady::duration time) {
    to->limit.expires_after(time);
    to->limit.async_wait([this, to, turn = ++to->turn](error_code stopped) {
      // A timer that is set again may have expired already.
      if (stopped || turn != to->turn) return;
      if (const auto call = to->call.lock()) call->cancel();
      end_of_call(to);
      ended_without_answer(to, ending::timed_out,
                           "no answer within " + std::to_string(job_.patience.count()) + " ms");
    });
  }

  static void end_of_call(const connection_ptr& of) {
    ++of->turn;
    of->limit.cancel();
    of->call.reset();
  }

  void answered(const connection_ptr& from, const machine::http_answer& answer) {
    const auto now = steady::now();
    const auto how = ending_of(answer.status);
    if (is_measured(from->request)) {
      auto& summary = outcome_.summary;
      summary.count(how);
      ++outcome_.statuses[answer.status];
      if (how == ending::completed) {
        summary.response.add((now - from->request.intended).count());
        summary.service.add((now - from->sent).count());
        if (answer.fields["X-Greenroom-Cold-Start"] == "true") ++summary.cold_starts;
      }
    }
    if (how == ending::failed || how == ending::timed_out)
      note_error(std::to_string(answer.status) + " " + answer.body.substr(0, 300));
    from->kept = answer.connection;
    const auto user = from->request.user;
    --in_flight_;
    if (from->kept) {
      idle_.push_back(from);
    } else {
      --open_;
    }
    next_turn(user);
  }

  void broke(const connection_ptr& from, const machine::http_answer& answer) {
    // The node may have closed an idle connection before this request arrived; retry it. After
    // any other error the node may have the request, and it must not run twice.
    if (answer.stale && answer.error == wire::error::end_of_stream) {
      --in_flight_;
      --open_;
      waiting_.push_front(std::move(from->request));
      dispatch_waiting();
      return;
    }
    ended_without_answer(from, ending::broken,
                         answer.error ? answer.error.message() : answer.failure);
  }

  void ended_without_answer(const connection_ptr& from, ending how, std::string why) {
    --in_flight_;
    --open_;
    ++outcome_.unanswered;
    if (is_measured(from->request)) outcome_.summary.count(how);
    note_error(std::move(why));
    next_turn(from->request.user);
  }

  void next_turn(std::optional<std::size_t> user) {
    if (user) user_thinks(*user);
    dispatch_waiting();
    stop_when_done();
  }

  /// Whether the node answers now, or at least takes connections.
  bool is_there() {
    const auto answer = http_client{job_.where}.ask("GET", "/health/live", {}, connect_patience);
    return answer || (answer.error().timed_out && answer.error().connected);
  }

  [[nodiscard]] bool is_measured(const pending& one) const {
    return one.intended >= measured_from_;
  }

  void note_error(std::string text) {
    if (outcome_.first_error.empty()) outcome_.first_error = std::move(text);
  }

  void finish_sending() {
    if (sending_over_) return;
    sending_over_ = true;
    ended_sending_ = steady::now();
    upcoming_.reset();
    pace_.cancel();
    for (auto& timer : timers_) timer->cancel();
    stop_when_done();
  }

  void stop() {
    finish_sending();
    waiting_.clear();
    outcome_.elapsed_s = seconds_of(steady::now() - start_);
    io_.stop();
  }

  void stop_when_done() {
    if (!sending_over_ || in_flight_ > 0 || !waiting_.empty()) return;
    outcome_.elapsed_s = seconds_of(steady::now() - start_);
    watching_.cancel();
    error_code ignored;
    interrupt_.cancel(ignored);
    idle_.clear();
  }

  void watch() {
    if (!job_.watch) return;
    watching_.expires_after(watch_every);
    watching_.async_wait([this](error_code code) {
      if (code) return;
      job_.watch({seconds_of(steady::now() - start_), outcome_.sent, in_flight_, waiting_.size(),
                  &outcome_.summary});
      watch();
    });
  }

  const load_job& job_;
  asio::io_context io_{1};
  base::http_url url_;
  asio::signal_set interrupt_{io_, SIGINT, SIGTERM};
  asio::steady_timer pace_{io_};
  asio::steady_timer watching_{io_};
  std::vector<std::unique_ptr<asio::steady_timer>> timers_;
  steady::time_point start_, measured_from_, ended_sending_;
  std::optional<timed_request> upcoming_;
  std::deque<pending> waiting_;
  std::vector<connection_ptr> idle_;
  std::size_t open_ = 0, in_flight_ = 0;
  bool sending_over_ = false;
  bool connected_once_ = false;
  load_outcome outcome_;
};

}  // namespace

load_outcome run_load(const load_job& job) { return driver{job}.run(); }

}  // namespace greenroom::apps
