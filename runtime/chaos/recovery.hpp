// Measures the duration of each fault's effect and the node's recovery time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace greenroom::runtime::chaos {

/// The conditions for recovery from a fault.
struct evidence {
  bool success = true;  ///< A task sent afterwards completed at the target.
  bool back = false;    ///< The killed actor runs again.
  bool within = false;  ///< Measured memory is within the budget.
};

/// Seconds from the start of the run; below 0: not yet.
struct recovery {
  std::size_t fault = 0;  ///< The fault's number.
  std::uint32_t target = 0;
  evidence needs;
  double began_s = -1;
  double ended_s = -1;      ///< Equal to `began_s` for an instantaneous fault.
  double served_s = -1;     ///< First success of a task for the target sent after `began_s`, by the
                            ///< target or its fallback.
  double answered_s = -1;   ///< First success of a task sent after the end, by the target.
  double back_s = -1;       ///< The actor runs again.
  double within_s = -1;     ///< Memory within the budget again, after the end.
  double contained_s = -1;  ///< Memory within the budget during the fault.

  [[nodiscard]] bool over() const { return ended_s >= 0; }
  /// From the end of the fault until all conditions are met.
  [[nodiscard]] std::optional<double> recovery_s() const;
  /// From the begin of the fault until the first success for the target.
  [[nodiscard]] std::optional<double> outage_s() const;
};

/// Collects events; decides when a fault is over.
class recovery_book {
public:
  void begin(std::size_t fault, std::uint32_t target, evidence needs, double now_s);
  void end(std::size_t fault, double now_s);
  /// A task sent at `sent_s` completed: for `asked`, by `answered` (the same or another
  /// specialist).
  void success(std::uint32_t asked, std::uint32_t answered, double sent_s, double now_s);
  void back(std::size_t fault, double now_s);
  /// The fault did not happen after all.
  void forget(std::size_t fault);
  /// A memory measurement: within the budget or not.
  void memory(bool within, double measured_s);

  [[nodiscard]] const std::vector<recovery>& all() const { return all_; }
  /// nullptr: the fault did not begin.
  [[nodiscard]] const recovery* find(std::size_t fault) const;
  /// Faults without recovery so far.
  [[nodiscard]] std::size_t open() const;

private:
  recovery* entry(std::size_t fault);
  std::vector<recovery> all_;
};

/// Seconds. Quantiles by nearest rank.
struct times {
  std::size_t count = 0;
  double mean = 0, p95 = 0, max = 0;
};
times summarize(std::vector<double> values);

}  // namespace greenroom::runtime::chaos
