#include "runtime/machine/worker/tool_listing.hpp"

#include "runtime/machine/io/clock.hpp"

#include <chrono>
#include <utility>

namespace greenroom::machine {

namespace {

/// A server with more pages of tools than this repeats itself.
constexpr int tool_pages_max = 64;
/// Minimum pause between two tool listings …
constexpr std::chrono::nanoseconds tools_pause = std::chrono::seconds{1};
/// … and the time after which an unfinished listing is restarted.
constexpr std::chrono::nanoseconds tools_patience = std::chrono::seconds{30};

}  // namespace

tool_listing::tool_listing(boost::asio::io_context& loop, actions act)
    : act_{std::move(act)}, timer_{loop} {}

void tool_listing::look(std::shared_ptr<void> owner) {
  const auto now = steady_now_ns();
  if (tools_ && now < asked_ns_ + tools_patience.count()) {
    again_ = true;
    return;
  }
  if (!tools_ && now < next_ns_) {
    if (std::exchange(again_, true)) return;
    timer_.expires_after(std::chrono::nanoseconds{next_ns_ - now});
    timer_.async_wait([this, owner = std::move(owner)](boost::system::error_code error) {
      if (!error && !stopped_) begin();
    });
    return;
  }
  begin();
}

void tool_listing::begin() {
  again_ = false;
  pages_ = 0;
  tools_ = std::make_shared<protocols::tool_effects>();
  asked_ns_ = steady_now_ns();
  act_.ask({});
}

void tool_listing::on_page(std::string_view page, std::shared_ptr<void> owner) {
  if (!tools_) return;
  const auto cursor = protocols::add_tools(*tools_, page);
  if (!cursor.empty() && ++pages_ < tool_pages_max) return act_.ask(cursor);
  end(std::exchange(tools_, nullptr), std::move(owner));
}

void tool_listing::on_refusal(std::shared_ptr<void> owner) { end(nullptr, std::move(owner)); }

void tool_listing::end(std::shared_ptr<const protocols::tool_effects> found,
                       std::shared_ptr<void> owner) {
  tools_.reset();
  next_ns_ = steady_now_ns() + tools_pause.count();
  if (found) act_.done(std::move(found));
  if (std::exchange(again_, false)) look(std::move(owner));
}

void tool_listing::stop() {
  stopped_ = true;
  timer_.cancel();
}

}  // namespace greenroom::machine
