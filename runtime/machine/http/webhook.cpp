#include "runtime/machine/http/webhook.hpp"

#include "runtime/machine/http/http_call.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <utility>

namespace greenroom::machine {

class webhook::delivery : public std::enable_shared_from_this<delivery> {
public:
  delivery(boost::asio::io_context& loop, base::http_url where, std::string url, std::string json,
           const webhook_options& how, std::shared_ptr<counters> counts,
           std::function<void(const std::string&, const std::string&)> gave_up)
      : loop_{loop},
        where_{std::move(where)},
        url_{std::move(url)},
        json_{std::move(json)},
        how_{how},
        counts_{std::move(counts)},
        gave_up_{std::move(gave_up)},
        patience_{loop},
        pause_{loop} {}
  ~delivery() { --counts_->pending; }

  void attempt() {
    ++attempts_;
    call_ = std::make_shared<http_call>(loop_, where_, 4096);
    call_->name_limit("a web hook");
    patience_.expires_after(how_.timeout);
    patience_.async_wait([self = shared_from_this()](boost::system::error_code stopped) {
      if (stopped || !self->call_) return;
      self->call_->cancel();
      self->call_.reset();
      self->again("no answer in time");
    });
    call_->start(boost::beast::http::verb::post, {}, json_, {}, {},
                 [self = shared_from_this()](const http_answer& answer) { self->hear(answer); });
  }

private:
  void hear(const http_answer& answer) {
    if (!call_) return;
    call_.reset();
    patience_.cancel();
    constexpr unsigned request_timeout = 408;
    constexpr unsigned too_many = 429;
    if (answer.failure.empty() && answer.status >= 200 && answer.status < 300) {
      ++counts_->delivered;
      return;
    }
    const auto why =
        answer.failure.empty() ? "status " + std::to_string(answer.status) : answer.failure;
    const bool final = answer.failure.empty() && answer.status >= 400 && answer.status < 500
                       && answer.status != request_timeout && answer.status != too_many;
    if (final)
      give_up(why);
    else
      again(why);
  }
  void again(const std::string& why) {
    if (attempts_ >= how_.attempts_max) return give_up(why);
    pause_.expires_after(how_.first_wait * (1 << (attempts_ - 1)));
    pause_.async_wait([self = shared_from_this()](boost::system::error_code stopped) {
      if (!stopped) self->attempt();
    });
  }
  void give_up(const std::string& why) {
    ++counts_->dropped;
    if (gave_up_) gave_up_(url_, why);
  }

  boost::asio::io_context& loop_;
  base::http_url where_;
  std::string url_, json_;
  webhook_options how_;
  std::shared_ptr<counters> counts_;
  std::function<void(const std::string&, const std::string&)> gave_up_;
  boost::asio::steady_timer patience_, pause_;
  std::shared_ptr<http_call> call_;
  int attempts_ = 0;
};

webhook::webhook(engine& io, webhook_options how,
                 std::function<void(const std::string&, const std::string&)> gave_up)
    : io_{io}, how_{how}, gave_up_{std::move(gave_up)} {}

void webhook::post(const std::string& url, const std::string& json) {
  auto where = base::parse_http_url(url);
  if (!where || counts_->pending >= how_.pending_max) {
    ++counts_->dropped;
    if (gave_up_) gave_up_(url, where ? "too many are waiting" : "it is no http URL");
    return;
  }
  ++counts_->pending;
  auto& loop = io_.next_loop();
  auto fresh =
      std::make_shared<delivery>(loop, *std::move(where), url, json, how_, counts_, gave_up_);
  boost::asio::post(loop, [fresh] { fresh->attempt(); });
}

}  // namespace greenroom::machine
