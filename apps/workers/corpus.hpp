// The generated documents that a bundled worker searches; equal for equal departments.
#pragma once

#include "protocols/base/random.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace greenroom::workers {

/// Writes documents, each about one of the department's words. Seeded with the department's name.
class corpus {
public:
  explicit corpus(std::string_view department);
  /// The department's own words first, then the shared ones.
  [[nodiscard]] const std::vector<std::string>& words() const { return words_; }
  /// Fills `document` with the words of the next document, as indices into `words`.
  void next(std::vector<std::uint16_t>& document);

private:
  std::uint32_t below(std::uint32_t bound);

  std::vector<std::string> words_;
  std::uint32_t own_ = 0;
  base::random_source random_;
};

}  // namespace greenroom::workers
