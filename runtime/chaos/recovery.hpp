// How long each fault was felt, and how long the node took to be well again after it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace greenroom::runtime::chaos {

/// What has to be seen before a fault counts as recovered from.
struct evidence {
  bool success = true;  ///< A task that was sent afterwards was completed at the target.
  bool back = false;    ///< The actor that was killed lives again.
  bool within = false;  ///< Measured memory is within the budget.
};

/// Seconds from the start of the run; below 0: not yet.
struct recovery {
  std::size_t fault = 0;  ///< Its number.
  std::uint32_t target = 0;
  evidence needs;
  double began_s = -1;
  double ended_s = -1;     ///< The same as `began_s` for what is over at once.
  double served_s = -1;    ///< First success of a task asked of the target and sent after it began,
                           ///< whoever answered in its place.
  double answered_s = -1;  ///< First success of a task sent after the end, by the target itself.
  double back_s = -1;      ///< The actor lived again.
  double within_s = -1;    ///< Memory was within the budget again, after the end.
  double contained_s = -1;  ///< Memory was within the budget, while the fault lasted.

  [[nodiscard]] bool over() const { return ended_s >= 0; }
  /// From the end of the fault until all that is needed was seen.
  [[nodiscard]] std::optional<double> recovery_s() const;
  /// From the beginning until someone answered for the target.
  [[nodiscard]] std::optional<double> outage_s() const;
};

/// Told what happens; decides when a fault is over.
class recovery_book {
public:
  void begin(std::size_t fault, std::uint32_t target, evidence needs, double now_s);
  void end(std::size_t fault, double now_s);
  /// A task that was sent at `sent_s` was completed: asked of one, answered by the same or another.
  void success(std::uint32_t asked, std::uint32_t answered, double sent_s, double now_s);
  void back(std::size_t fault, double now_s);
  /// It turned out that it never happened.
  void forget(std::size_t fault);
  /// A measurement, and how it compares with the budget.
  void memory(bool within, double measured_s);

  [[nodiscard]] const std::vector<recovery>& all() const { return all_; }
  /// nullptr: it did not begin.
  [[nodiscard]] const recovery* find(std::size_t fault) const;
  /// Those that are not recovered from yet.
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
