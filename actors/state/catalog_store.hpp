// The catalog in force, which a reload replaces while other threads read it.
#pragma once

#include "actors/mailbox/catalog_reader.hpp"
#include "actors/state/catalog.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace greenroom::actors {

/// Any thread reads; one caller at a time replaces.
class catalog_store {
public:
  /// The catalog in force. How long the reference is good: see `catalog_reader`.
  [[nodiscard]] const catalog& now() const {
    const auto* current = newest_.load(std::memory_order_acquire);
    if (catalog_reader::reads_newest(current)) return *current;
    return catalog_reader::hold(shared());
  }
  [[nodiscard]] std::shared_ptr<const catalog> shared() const;
  void replace(std::shared_ptr<const catalog> next);
  /// The generations of replaced catalogs that some thread still holds.
  [[nodiscard]] std::vector<std::uint32_t> held_generations() const;

private:
  std::atomic<const catalog*> newest_{nullptr};
  mutable std::mutex mutex_;
  std::shared_ptr<const catalog> current_;
  // Replaced catalogs by generation; an expired pointer means that no thread holds that catalog.
  std::vector<std::pair<std::uint32_t, std::weak_ptr<const catalog>>> replaced_;
};

}  // namespace greenroom::actors
