// Delivers short JSON documents to URLs, with a limited number of retries.
#pragma once

#include "runtime/machine/io/engine.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace greenroom::machine {

struct webhook_options {
  int attempts_max = 5;
  std::chrono::milliseconds first_wait{500};  ///< Doubles with each attempt.
  std::chrono::milliseconds timeout{5'000};   ///< For one attempt.
  std::size_t pending_max = 256;              ///< Further documents are dropped and counted.
};

/// Any thread. A 2xx answer is a delivery; a 4xx except 408 and 429 is final; any other result is
/// retried. Certificates of `https:` URLs are checked as for workers (`http_connection`).
class webhook {
public:
  /// `engine` must outlive every delivery. `gave_up` (may be empty) is called for each failed
  /// delivery.
  explicit webhook(
      engine& io, webhook_options how = {},
      std::function<void(const std::string& url, const std::string& why)> gave_up = {});
  void post(const std::string& url, const std::string& json);

  [[nodiscard]] std::uint64_t delivered() const { return counts_->delivered; }
  [[nodiscard]] std::uint64_t dropped() const { return counts_->dropped; }

private:
  struct counters {
    std::atomic<std::uint64_t> delivered{0}, dropped{0};
    std::atomic<std::size_t> pending{0};
  };
  class delivery;
  engine& io_;
  webhook_options how_;
  std::function<void(const std::string&, const std::string&)> gave_up_;
  std::shared_ptr<counters> counts_ = std::make_shared<counters>();
};

}  // namespace greenroom::machine
