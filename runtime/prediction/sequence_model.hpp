// What comes next in a case, learnt step by step.
#pragma once

#include "runtime/prediction/context_table.hpp"
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
  std::size_t contexts_max = 1U << 16U;  ///< About 130 bytes each, taken as they are needed.
  float count_limit = 1024;  ///< A context that has seen so much halves what it has seen.
  float learning_rate = 0.005F;
  float learning_rate_least = 0.0005F;
};

struct next_step {
  specialist_index who = no_step;  ///< `end_of_case` for the end.
  float probability = 0;
};

/// A blend of contexts of many orders and kinds: the last 0 … 6 steps, the whole case, the last
/// step with the time it took, with the hour, day, week and month it happened in, with what else
/// occurred, and the case's own habits. Each context is a back-off estimate (escape after
/// Witten and Bell, 1991) on the next less specific one. They are blended in the logistic domain
/// as in PAQ (Mahoney, "Adaptive weighing of context models", 2005; Mattern, "Mixing strategies",
/// 2012) with weights learnt online that depend on how much a context has seen and on whether it
/// ever saw more than one successor.
///
/// Work: O(contexts × candidates), both bounded (20 and 24), for each step and each ranking.
class sequence_model {
public:
  static constexpr std::size_t experts = 20;
  static constexpr std::size_t candidates_max = 24;

  explicit sequence_model(const sequence_settings& settings = {});

  /// At `at` came `who` (or `end_of_case`). The caller then advances the position.
  void learn(const sequence_position& at, specialist_index who);
  /// The most probable next steps, best first; returns how many it wrote.
  std::size_t rank(const sequence_position& at, std::span<next_step> out) const;

  std::size_t contexts() const { return table_.size(); }
  std::size_t bytes() const { return table_.bytes(); }
  std::uint64_t learnt() const { return learnt_; }
  /// What a kind of context looks at, in words.
  static const char* expert_name(std::size_t expert);

  void save(state_writer& to) const;
  /// False when the text is damaged; the model is then as new.
  bool restore(state_reader& from);

private:
  static constexpr std::size_t evidence_classes = 16;

  /// All that one prediction is made of; learning needs it again.
  struct opinion {
    std::array<std::uint64_t, experts> keys;
    std::array<const context_counts*, experts> found;
    std::array<std::uint8_t, experts> evidence;  ///< Class of evidence; `silent` without any.
    std::array<specialist_index, candidates_max> steps;
    std::size_t size = 0;
    std::array<std::array<float, candidates_max>, experts> logs;  ///< ln p of each expert.
    std::array<float, candidates_max> probability;
  };
  static constexpr std::uint8_t silent = 255;

  static void keys_of(const sequence_position& at, std::array<std::uint64_t, experts>& keys);
  void consider(const sequence_position& at, opinion& out) const;

  sequence_settings settings_;
  context_table table_;
  std::array<std::array<float, evidence_classes>, experts> weights_;
  std::array<float, experts> shared_{};  ///< Added to all classes of evidence of a context.
  float surprise_ = 0.5F;                ///< How often the next step was not among the candidates.
  std::uint64_t learnt_ = 0;
};

}  // namespace greenroom::runtime
