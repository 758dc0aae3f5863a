// Lists the tools of an MCP server, page by page.
#pragma once

#include "protocols/tool_effects.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

namespace greenroom::machine {

/// One listing at a time, because pages of two could not be told apart; with a pause between two,
/// because a server that changes its tools at each listing must not keep the node busy. One loop's
/// thread.
class tool_listing {
public:
  struct actions {
    /// Sends a request for the page behind `cursor`; empty: for the first page.
    std::function<void(std::string_view cursor)> ask;
    std::function<void(std::shared_ptr<const protocols::tool_effects>)> done;
  };
  tool_listing(boost::asio::io_context& loop, actions act);

  /// Lists the tools, at the start or after a change. `owner` keeps this object alive while a timer
  /// runs.
  void look(std::shared_ptr<void> owner);
  void on_page(std::string_view page, std::shared_ptr<void> owner);
  /// The server failed to list its tools: the earlier list stays.
  void on_refusal(std::shared_ptr<void> owner);
  /// No request is sent from now on.
  void stop();

private:
  void begin();
  void end(std::shared_ptr<const protocols::tool_effects> found, std::shared_ptr<void> owner);

  actions act_;
  boost::asio::steady_timer timer_;
  std::shared_ptr<protocols::tool_effects> tools_;  ///< Tools of the pages received so far.
  int pages_ = 0;
  bool again_ = false;  ///< The tools have changed since the request.
  bool stopped_ = false;
  std::int64_t asked_ns_ = 0, next_ns_ = 0;
};

}  // namespace greenroom::machine
