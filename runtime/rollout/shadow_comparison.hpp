// Do the two pools answer alike? Outputs compared field by field, less what the baseline pool does
// not agree with itself about.
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
  failed,   ///< The worker failed or was too late: counted as an error, not as a difference.
  refused,  ///< It was not understood: a command that works on one side only.
};

struct shadow_reply {
  reply_kind kind = reply_kind::answered;
  std::string output;
  double took_ms = 0;
};

/// One mirrored task. `again` is the baseline's second answer to the same input, when it was asked
/// for one to learn its noise.
struct shadow_task {
  std::string specialist;
  std::string command;  ///< As the user typed it; empty when it was no command.
  shadow_reply baseline;
  shadow_reply intelligent;
  std::optional<shadow_reply> again;
  static constexpr std::uint64_t unknown_life = 0;
  /// Counts the lives of the baseline's worker: another number, another process. Of an unknown life
  /// nothing is learnt about fields that name the process.
  std::uint64_t baseline_life = unknown_life;
};

enum class mirror_drop : std::uint8_t {
  queue_full,  ///< The mirror queue is bounded; the caller never waits for it.
  unsafe,      ///< `side_effects: unsafe` runs once.
  intelligent_busy,
  baseline_busy,    ///< Past shadow, where the copy is the baseline's.
  comparison_late,  ///< The mirrored answer came after its baseline answer was forgotten.
};
constexpr std::size_t mirror_drop_count = 5;
std::string_view name_of(mirror_drop what);

struct shadow_settings {
  std::size_t mirrors_max = 256;   ///< In flight or waiting at once.
  double noise_share = 0.1;        ///< Of the mirrored tasks, those asked twice of the baseline.
  std::uint64_t noise_first = 20;  ///< The first tasks of each specialist are all asked twice.
  std::size_t specialists_max = 1024;
  std::size_t fields_max = 256;  ///< Of one specialist; further ones count as `other`.
  std::size_t examples_of_field = 3;
  std::size_t examples_max = 256;
  std::size_t example_bytes = 400;
  double alpha = 0.01;
  /// Fields that are not compared, with all below them: `server.pid`, `items[].id` (or
  /// `items[*].id`),
  /// `*` for any one name, `**` for any number of them: `**.host`.
  std::vector<std::string> ignore;
};

/// Whether a field, as it is named in differences, is meant by a pattern of `ignore`.
bool ignored_field(std::string_view pattern, std::string_view field);

/// A field of a specialist's output. It differs for certain when it differs between the pools more
/// often than the baseline differs from itself: by Fisher's exact test, and by more than a fifth of
/// the noise (the idea, and that margin, are Diffy's).
///
/// Both answers of the baseline come from one process, so a field that names the process (pid,
/// port, start time) never differs between them. It shows when the worker has been started again: a
/// value that was the same for all tasks of one life and is another one in the next names the
/// instance, and that is noise. `instance_suspects` says whose worker would have to be started
/// again to know.
struct field_difference {
  std::string specialist;
  std::string field;  ///< `items[].id`; empty for an output that is no JSON, or for the root.
  std::uint64_t compared = 0;
  std::uint64_t differing = 0;
  std::uint64_t noise_compared = 0;
  std::uint64_t noise_differing = 0;
  bool certain = false;
  bool names_instance = false;  ///< Of the baseline, seen when its worker was started again.
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
  std::uint64_t compared = 0;        ///< Both sides answered or refused.
  std::uint64_t refused_by_one = 0;  ///< The kinds of answer differ.
  std::uint64_t really_differing =
      0;  ///< refused_by_one, and at least so many with a certain field.
  arm baseline;
  arm intelligent;
  std::optional<double> response_ratio;    ///< Of the means.
  std::optional<double> error_difference;  ///< Intelligent minus baseline.
};

/// Bounded in every direction. Indices of arrays are forgotten in field names, so that a list of a
/// thousand items is one field.
class shadow_comparison {
public:
  explicit shadow_comparison(shadow_settings settings = {});

  /// Before mirroring: false when there is no room, and the drop is counted.
  bool admit(bool unsafe);
  void drop(mirror_drop why);  ///< An admitted mirror came to nothing.
  /// Whether the baseline should be asked a second time; `key` is the task's routing key.
  bool wants_noise(std::string_view specialist, std::uint64_t key) const;
  void ignore(std::vector<std::string> fields) { settings_.ignore = std::move(fields); }
  /// An admitted mirror came back.
  void record(const shadow_task& task);

  std::size_t in_flight() const { return in_flight_; }
  std::uint64_t dropped(mirror_drop why) const { return drops_[static_cast<std::size_t>(why)]; }
  shadow_summary summary() const;
  /// Fields that differ at all, the certain ones first, then by how often.
  std::vector<field_difference> differences() const;
  const std::vector<difference_example>& examples() const { return examples_; }
  /// For `evidence`: outputs compared and really differing.
  std::uint64_t commands_compared() const { return compared_; }
  std::uint64_t commands_differing() const;
  /// Specialists with a certain difference in a field whose baseline value was the same for every
  /// task, and whose baseline worker has not been started again since it was first seen.
  std::vector<std::string> instance_suspects() const;

private:
  struct counts {
    std::uint64_t differing = 0;
    std::uint64_t noise_differing = 0;
    std::size_t examples = 0;
    // The baseline's value where it differed from the other pool's.
    std::uint64_t life = 0;
    std::uint64_t value_hash = 0;
    std::uint64_t same = 0;  ///< So many times in a row within one life.
    bool constant = true;    ///< Within each life.
    bool restarted = false;  ///< It was seen often enough in one life, and then in another.
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
  std::uint64_t drops_[mirror_drop_count] = {};
  arm baseline_;
  arm intelligent_;
  std::map<std::string, per_specialist, std::less<>> specialists_;
  std::vector<difference_example> examples_;
};

/// The fields in which two outputs differ, without indices, each once, with one value of each side.
struct output_difference {
  std::string field;
  std::string left;
  std::string right;
};
std::vector<output_difference> compare_outputs(std::string_view left, std::string_view right);

}  // namespace greenroom::runtime::rollout
