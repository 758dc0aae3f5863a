// Compares the outputs of the two pools field by field, less the noise of the baseline pool.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/rollout/judge.hpp"

namespace greenroom::runtime::rollout {

enum class reply_kind : std::uint8_t {
  answered,
  failed,   ///< The worker failed or timed out: an error, not a difference.
  refused,  ///< The command was not recognised: it may work in one pool only.
};

struct shadow_reply {
  reply_kind kind = reply_kind::answered;
  std::string output;
  double took_ms = 0;
};

/// One shadow copy. `again` is the baseline's second output for the same input, where one was
/// requested to measure noise.
struct shadow_task {
  std::string specialist;
  std::string command;  ///< As the user typed it; empty when the task is not a command.
  shadow_reply baseline;
  shadow_reply intelligent;
  std::optional<shadow_reply> again;
  static constexpr std::uint64_t unknown_life = 0;
  /// Counts the starts of the baseline's worker: a different number is a different process. With an
  /// unknown number nothing is learned about fields that name the process.
  std::uint64_t baseline_life = unknown_life;
};

enum class shadow_drop : std::uint8_t {
  queue_full,  ///< The shadow queue is bounded; callers never wait for it.
  unsafe,      ///< `side_effects: unsafe` tasks run only once.
  intelligent_busy,
  baseline_busy,    ///< After shadow, where the copy goes to the baseline.
  comparison_late,  ///< The copy's output came after the baseline's was discarded.
};
constexpr std::size_t shadow_drop_count = 5;
std::string_view name_of(shadow_drop what);

struct shadow_settings {
  std::size_t copies_max = 256;    ///< Bound of copies in flight or queued.
  double noise_share = 0.1;        ///< Share of shadow copies that the baseline answers twice.
  std::uint64_t noise_first = 20;  ///< The first tasks of each specialist are all answered twice.
  std::size_t specialists_max = 1024;
  std::size_t fields_max = 256;  ///< Per specialist; further fields count as `other`.
  std::size_t examples_of_field = 3;
  std::size_t examples_max = 256;
  std::size_t example_bytes = 400;
  double alpha = 0.01;
  /// Fields that are not compared, including their subfields: `server.pid`, `items[].id` (or
  /// `items[*].id`), `*` for any one name, `**` for any number of names: `**.host`.
  std::vector<std::string> ignore;
};

/// Whether a pattern of `ignore` matches a field as named in differences.
bool ignored_field(std::string_view pattern, std::string_view field);

/// A field of a specialist's output. The difference is certain when the field differs between the
/// pools more often than between two outputs of the baseline: by Fisher's exact test, and by more
/// than a fifth of the noise (idea and margin from Diffy).
///
/// Both outputs of the baseline come from one process, so a field that names the process (pid,
/// port, start time) never differs between them. A restart reveals such a field: a value that was
/// constant before the restart and is different after it names the instance, and counts as noise.
/// `instance_suspects` returns the specialists whose worker must be restarted to find out.
struct field_difference {
  std::string specialist;
  std::string field;  ///< `items[].id`; empty for the root or for output that is not JSON.
  std::uint64_t compared = 0;
  std::uint64_t differing = 0;
  std::uint64_t noise_compared = 0;
  std::uint64_t noise_differing = 0;
  bool certain = false;
  bool names_instance = false;  ///< Names the baseline's instance, as seen at a restart.
};

struct difference_example {
  std::string specialist;
  std::string field;
  std::string baseline;
  std::string intelligent;
};

struct shadow_summary {
  std::uint64_t mirrored = 0;
  std::uint64_t dropped = 0;
  std::uint64_t compared = 0;          ///< Pairs in which both pools answered or refused.
  std::uint64_t refused_by_one = 0;    ///< Pairs with different kinds of reply.
  std::uint64_t really_differing = 0;  ///< `refused_by_one` and certain differences: at least.
  arm baseline;
  arm intelligent;
  std::optional<double> response_ratio;    ///< Ratio of the means.
  std::optional<double> error_difference;  ///< Intelligent minus baseline.
};

/// All tables are bounded. Field names have no array indices, so that a list of a thousand items is
/// one field.
class shadow_comparison {
public:
  explicit shadow_comparison(shadow_settings settings = {});

  /// Call before copying a task. False when there is no room; the drop is counted.
  bool admit(bool unsafe);
  void drop(shadow_drop why);  ///< An admitted copy gave no result.
  /// Whether the baseline should answer twice; `key` is the task's routing key.
  bool wants_noise(std::string_view specialist, std::uint64_t key) const;
  void ignore(std::vector<std::string> fields) { settings_.ignore = std::move(fields); }
  /// An admitted copy has its result.
  void record(const shadow_task& task);

  std::size_t in_flight() const { return in_flight_; }
  std::uint64_t dropped(shadow_drop why) const { return drops_[static_cast<std::size_t>(why)]; }
  shadow_summary summary() const;
  /// Fields with differences: certain ones first, then by frequency.
  std::vector<field_difference> differences() const;
  const std::vector<difference_example>& examples() const { return examples_; }
  /// For `evidence`: compared outputs, and outputs that certainly differ.
  std::uint64_t commands_compared() const { return compared_; }
  std::uint64_t commands_differing() const;
  /// Specialists with a certain difference in a field whose baseline value was constant, and whose
  /// baseline worker has not been restarted since.
  std::vector<std::string> instance_suspects() const;

private:
  struct counts {
    std::uint64_t differing = 0;
    std::uint64_t noise_differing = 0;
    std::size_t examples = 0;
    // The baseline's value in outputs that differed.
    std::uint64_t life = 0;
    std::uint64_t value_hash = 0;
    std::uint64_t same = 0;  ///< Consecutive equal values since the last start.
    bool constant = true;    ///< Constant between restarts.
    bool restarted = false;  ///< Seen often enough before a restart, and again after it.
    bool names_instance = false;
  };
  static void follow_value(counts& of, std::string_view value, std::uint64_t life);
  std::vector<struct output_difference> compared(std::string_view left,
                                                 std::string_view right) const;
  struct per_specialist {
    std::uint64_t compared = 0;
    std::uint64_t noise_compared = 0;
    std::map<std::string, counts, std::less<>> fields;
  };
  counts* field_of(per_specialist& of, const std::string& field);
  bool certain(const per_specialist& of, const counts& each) const;

  shadow_settings settings_;
  std::size_t in_flight_ = 0;
  std::uint64_t mirrored_ = 0;
  std::uint64_t compared_ = 0;
  std::uint64_t refused_by_one_ = 0;
  std::uint64_t drops_[shadow_drop_count] = {};
  arm baseline_;
  arm intelligent_;
  std::map<std::string, per_specialist, std::less<>> specialists_;
  std::vector<difference_example> examples_;
};

/// The fields in which two outputs differ, without indices, each once, with one value per side.
struct output_difference {
  std::string field;
  std::string left;
  std::string right;
};
std::vector<output_difference> compare_outputs(std::string_view left, std::string_view right);

}  // namespace greenroom::runtime::rollout
