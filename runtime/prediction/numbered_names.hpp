// The predictor's own numbers for specialists, which stay the same whatever the catalog's order.
#pragma once

#include "protocols/base/expected.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace greenroom::runtime {

/// A model keeps what it has learnt by number. The numbers follow the names, so that a catalog in
/// another order loses nothing. A name that has left the catalog keeps its number for a while: a
/// specialist that comes back finds what was learnt of it. Then the number is given to a new name,
/// and what was learnt of the number stays until the model learns better.
class numbered_names {
public:
  static constexpr std::uint32_t none = 0xffffffffU;

  /// A specialist at its index in the catalog.
  struct member {
    std::string_view name;
    bool removed = false;
  };

  /// Gives every name of the catalog a number.
  void adopt(const std::vector<member>& members);

  /// How many numbers there are.
  [[nodiscard]] std::size_t size() const { return names_.size(); }
  /// The number of the specialist at this index of the catalog; `none` for an unknown index.
  [[nodiscard]] std::uint32_t number_of(std::uint32_t index) const {
    return index < number_of_.size() ? number_of_[index] : none;
  }
  /// The catalog's index; `none` when the specialist is not in the catalog any more.
  [[nodiscard]] std::uint32_t index_of(std::uint32_t number) const {
    return number < index_of_.size() ? index_of_[number] : none;
  }

  /// The names and the model's own state, under one seal: a damaged name must not pass for another
  /// specialist's.
  [[nodiscard]] std::string sealed_with(std::string_view model) const;
  /// Takes the names from sealed text and returns the model's state. After an error there are no
  /// names. @pre `adopt` was not called yet.
  [[nodiscard]] base::expected<std::string> restore(std::string_view sealed);

private:
  [[nodiscard]] std::vector<std::uint32_t> numbers_to_reuse(
      const std::vector<member>& members) const;

  std::vector<std::string> names_;        ///< By number.
  std::vector<std::uint32_t> number_of_;  ///< By index in the catalog.
  std::vector<std::uint32_t> index_of_;   ///< By number.
};

}  // namespace greenroom::runtime
