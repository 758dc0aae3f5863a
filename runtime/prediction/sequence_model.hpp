// Predicts the next step of a case; learns step by step.
#pragma once

#include "runtime/prediction/context_table.hpp"
#include "runtime/prediction/ranking_choice.hpp"
#include "runtime/prediction/sequence_position.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace greenroom::runtime {

struct sequence_settings {
  std::size_t contexts_max = 1U << 16U;  ///< About 130 bytes each, allocated as needed.
  float count_limit = 1024;              ///< A context's counts are halved at this total.
  float learning_rate = 0.005F;
  float learning_rate_least = 0.0005F;
};

struct next_step {
  specialist_index who = no_step;  ///< `end_of_case`: the case ends.
  float probability = 0;
};

/// A blend of contexts of many orders and kinds: the last 0 … 6 steps, the whole case, the last
/// step with its duration, with the hour, day, week and month, with the set of earlier steps, and
/// the case's own habits. Each context is a back-off estimate (escape after Witten and Bell, 1991)
/// on the next less specific one. The contexts are blended in the logistic domain as in PAQ
/// (Mahoney, "Adaptive weighing of context models", 2005; Mattern, "Mixing strategies", 2012) with
/// weights learned online, which depend on a context's count and on whether it ever had more than
/// one successor.
///
/// Two blends are learned: of all contexts, and of the contexts without a calendar period. The
/// second one is used for a period with unusual data: hardly any case began in the period (the
/// remaining steps of older cases are not typical of new ones), or the set of period contexts with
/// data hardly ever occurred during learning.
///
/// The blends give the probability of each step. `ranking_choice` selects the ranking: that of a
/// blend or of one of its parts.
///
/// Work: O(contexts × candidates), both bounded (20 and 24), for each step and each ranking.
class sequence_model {
public:
  static constexpr std::size_t expert_count = 20;
  static constexpr std::size_t candidates_max = 24;

  explicit sequence_model(const sequence_settings& settings = {});

  /// Learns that `who` (or `end_of_case`) follows `at`. The caller then advances the position.
  void learn(const sequence_position& at, specialist_index who);
  /// Writes the most probable next steps, best first; returns their number.
  std::size_t rank(const sequence_position& at, std::span<next_step> out) const;

  std::size_t contexts() const { return table_.size(); }
  std::size_t bytes() const { return table_.bytes(); }
  std::uint64_t learnt() const { return learnt_; }

  void save(state_writer& to) const;
  /// A problem when the text is damaged; the model is then reset.
  base::expected<void> restore(state_reader& from);

private:
  static constexpr std::size_t evidence_classes = 16;

  /// The weight of each context, by class of evidence.
  struct blend {
    std::array<std::array<float, evidence_classes>, expert_count> weights{};
    std::array<float, expert_count> shared{};  ///< Added to all classes of evidence of a context.
  };
  enum blends : std::uint8_t { of_all, of_timeless, blends_size };
  static constexpr std::size_t period_sets = 16;

  /// The intermediate values of one prediction, reused for learning.
  struct opinion {
    std::array<std::uint64_t, expert_count> keys;
    std::array<const context_counts*, expert_count> found;
    std::array<std::uint8_t, expert_count> evidence;  ///< Class of evidence; `silent` without data.
    std::array<specialist_index, candidates_max> steps;
    std::size_t size = 0;
    std::array<std::array<float, candidates_max>, expert_count> logs;  ///< ln p of each expert.
    std::array<std::array<float, candidates_max>, blends_size> probability;
    std::array<short_list, ranking_choice::ranker_count> lists;
    std::uint8_t periods = 0;  ///< One bit for each period context with data.
    bool period_usual = true;  ///< False: the timeless blend is used.

    const std::array<float, candidates_max>& believed() const {
      return probability[period_usual ? of_all : of_timeless];
    }
  };
  static constexpr std::uint8_t silent = 255;

  static void keys_of(const sequence_position& at, std::array<std::uint64_t, expert_count>& keys);
  static constexpr std::uint32_t chosen_lists = 0;  ///< Only the lists of the chosen rankers.
  static constexpr std::uint32_t all_lists = (1U << ranking_choice::ranker_count) - 1;
  /// `lists`: bit mask of the `out.lists` to fill.
  void consider(const sequence_position& at, std::uint32_t lists, opinion& out) const;
  struct candidate_places;
  using estimates = std::array<std::array<float, candidates_max>, expert_count>;
  static void gather(opinion& out, candidate_places& places);
  void estimate(const candidate_places& places, estimates& p, opinion& out) const;
  static void settle(std::size_t ranker, const short_list& list, opinion& out);
  static void list_blends(const estimates& p, std::uint32_t lists, opinion& out);
  static void list_suffixes(const candidate_places& places, opinion& out);
  bool is_usual_period(const sequence_position& at, std::uint8_t periods) const;
  void learn_weights(const opinion& now, std::size_t right);
  void learn_period(const sequence_position& at, std::uint8_t periods);

  sequence_settings settings_;
  context_table table_;
  std::array<blend, blends_size> blends_;
  ranking_choice choice_;
  std::array<std::uint64_t, period_sets> period_sets_met_{};
  std::uint64_t begun_ = 0;   ///< Among `inside_`: learned steps after the first step of a case.
  std::uint64_t inside_ = 0;  ///< Steps learnt with a step before them.
  float surprise_ = 0.5F;     ///< Share of next steps that were not among the candidates.
  std::uint64_t learnt_ = 0;
};

}  // namespace greenroom::runtime
