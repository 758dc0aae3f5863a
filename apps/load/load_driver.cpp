#include "apps/load/load_driver.hpp"

#include "apps/client/seconds.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include <algorithm>
#include <deque>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace greenroom::apps {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;
using runtime::load::ending;
using steady = std::chrono::steady_clock;

constexpr std::chrono::milliseconds watch_every{250};
constexpr std::chrono::seconds connect_patience{5};
constexpr std::uint64_t answer_body_max = std::uint64_t{64} << 20;

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
    endpoint_ = *found.begin();
    host_ = job_.where.host + ":" + std::to_string(job_.where.port);

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
    explicit connection(asio::io_context& io) : stream{io} {}
    beast::tcp_stream stream;
    beast::flat_buffer buffer;
    http::request<http::string_body> request;
    std::optional<http::response_parser<http::string_body>> parser;
    pending mine;
    steady::time_point sent;
    bool used = false;
  };
  using connection_ptr = std::shared_ptr<connection>;

  // -- open loop --------------------------------------------------------------

  void send_due() {
    const auto now = steady::now();
    while (upcoming_) {
      const auto moment = start_ + nanoseconds(upcoming_->at_s);
      if (moment > now) {
        pace_.expires_at(moment);
        pace_.async_wait([this](error_code code) {
          if (!code) send_due();
        });
        return;
      }
      submit({std::move(upcoming_->what), moment, std::nullopt});
      upcoming_ = job_.next();
    }
    finish_sending();
  }

  // -- closed loop ------------------------------------------------------------

  void user_begins(std::size_t user) {
    timers_.emplace_back(std::make_unique<asio::steady_timer>(io_));
    // Start with a think time, or all users would send at the same moment.
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
    give_out();
  }

  /// Assigns waiting requests to idle connections, then to new ones up to the limit.
  void give_out() {
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
      to->mine = std::move(waiting_.front());
      waiting_.pop_front();
      ++in_flight_;
      if (to->used)
        write(to);
      else
        connect(to);
    }
  }

  void connect(const connection_ptr& to) {
    to->stream.expires_after(connect_patience);
    to->stream.async_connect(endpoint_, [this, to](error_code code) {
      if (code) return broke(to, code);
      connected_once_ = true;
      error_code ignored;
      to->stream.socket().set_option(asio::ip::tcp::no_delay{true}, ignored);
      write(to);
    });
  }

  void write(const connection_ptr& to) {
    to->request = {};
    to->request.method(http::verb::post);
    to->request.target(job_.where.path + to->mine.what.target);
    to->request.version(11);
    to->request.set(http::field::host, host_);
    to->request.set(http::field::content_type, "application/json");
    to->request.body() = to->mine.what.body;
    to->request.prepare_payload();
    to->sent = steady::now();
    if (job_.users == 0)
      outcome_.latest_s = std::max(outcome_.latest_s, seconds_of(to->sent - to->mine.intended));
    to->stream.expires_after(job_.patience);
    http::async_write(to->stream, to->request, [this, to](error_code code, std::size_t) {
      if (code) return broke(to, code);
      read(to);
    });
  }

  void read(const connection_ptr& to) {
    to->parser.emplace();
    to->parser->body_limit(answer_body_max);
    http::async_read(to->stream, to->buffer, *to->parser, [this, to](error_code code, std::size_t) {
      if (code) return broke(to, code);
      answered(to);
    });
  }

  void answered(const connection_ptr& from) {
    from->used = true;
    const auto now = steady::now();
    const auto& answer = from->parser->get();
    const auto status = answer.result_int();
    const auto how = ending_of(status);
    if (is_measured(from->mine)) {
      auto& summary = outcome_.summary;
      summary.count(how);
      ++outcome_.statuses[status];
      if (how == ending::completed) {
        summary.response.add((now - from->mine.intended).count());
        summary.service.add((now - from->sent).count());
        if (answer["X-Greenroom-Cold-Start"] == "true") ++summary.cold_starts;
      }
    }
    if (how == ending::failed || how == ending::timed_out)
      note_error(std::to_string(status) + " " + answer.body().substr(0, 300));
    const bool alive = answer.keep_alive();
    const auto user = from->mine.user;
    --in_flight_;
    if (alive) {
      idle_.push_back(from);
    } else {
      --open_;
    }
    next_turn(user);
  }

  void broke(const connection_ptr& from, error_code code) {
    // The node may have closed an idle connection before this request arrived; retry it.
    const bool late = from->used && code == http::error::end_of_stream;
    --in_flight_;
    --open_;
    if (late) {
      waiting_.push_front(std::move(from->mine));
      give_out();
      return;
    }
    ++outcome_.unanswered;
    const bool slow = code == beast::error::timeout;
    if (is_measured(from->mine)) outcome_.summary.count(slow ? ending::timed_out : ending::broken);
    note_error(slow ? "no answer within " + std::to_string(job_.patience.count()) + " ms"
                    : code.message());
    next_turn(from->mine.user);
  }

  void next_turn(std::optional<std::size_t> user) {
    if (user) user_thinks(*user);
    give_out();
    leave_when_done();
  }

  /// Whether the node accepts a connection now.
  bool is_there() {
    asio::io_context io{1};
    beast::tcp_stream stream{io};
    stream.expires_after(connect_patience);
    error_code code = asio::error::would_block;
    stream.async_connect(endpoint_, [&](error_code came) { code = came; });
    io.run();
    return !code;
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
    leave_when_done();
  }

  void stop() {
    finish_sending();
    waiting_.clear();
    outcome_.elapsed_s = seconds_of(steady::now() - start_);
    io_.stop();
  }

  void leave_when_done() {
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
  asio::ip::tcp::endpoint endpoint_;
  std::string host_;
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
