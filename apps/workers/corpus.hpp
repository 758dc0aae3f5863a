// The documents that a bundled worker searches: generated, the same for the same department.
#pragma once

#include "protocols/base/random.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace greenroom::workers {

/// Writes documents, each about one of the department's words. Seeded by the department's name.
class corpus {
public:
  explicit corpus(std::string_view department);
  /// The department's own come first, then those that all share.
  [[nodiscard]] const std::vector<std::string>& words() const { return words_; }
  /// The words of the next document, as places in `words`.
  void next(std::vector<std::uint16_t>& document);

private:
  std::uint32_t below(std::uint32_t bound);

  std::vector<std::string> words_;
  std::uint32_t own_ = 0;
  base::random_source random_;
};

}  // namespace greenroom::workers
