// The price of being warm, found by feedback from the memory in use.
#pragma once

namespace greenroom::runtime {

/// Keeps the mean share of always-warm near a target by moving one price that every specialist is
/// held against. The share breathes with the hours, and that is where the gain is: so the price
/// follows the running mean over about a day, quickly at first and ever more slowly.
class price_controller {
public:
  /// Prices are visits per second of a specialist with average load time and memory.
  static constexpr double price_min = 1e-9;
  static constexpr double price_max = 10.0;

  explicit price_controller(double start_price = 1e-4) : price_(start_price) {}

  /// The share in use has been `share` since the last call.
  void observe(double share, double target, double now_s);
  double price() const { return price_; }
  double mean_share() const { return observed_s_ > 0 ? share_s_ / observed_s_ : 0; }

  struct memory {
    double price = 1e-4;
    double share_s = 0;
    double observed_s = 0;
  };
  memory remembered() const { return {price_, share_s_, observed_s_}; }
  void remember(const memory& kept);

private:
  double price_;
  double share_s_ = 0;     ///< Integral of the share, fading over two days.
  double observed_s_ = 0;  ///< Time behind that integral.
  double last_s_ = -1;
};

}  // namespace greenroom::runtime
