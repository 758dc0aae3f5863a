#include "actors/state/catalog_store.hpp"

namespace greenroom::actors {

std::shared_ptr<const catalog> catalog_store::shared() const {
  const std::lock_guard lock{mutex_};
  return current_;
}

void catalog_store::replace(std::shared_ptr<const catalog> next) {
  // The replaced catalog is destroyed with its last reader, which may be this thread: after the
  // lock has been released, because `next` holds it then.
  const std::lock_guard lock{mutex_};
  std::erase_if(replaced_, [](const auto& one) { return one.second.expired(); });
  if (current_) replaced_.emplace_back(current_->generation, current_);
  newest_.store(next.get(), std::memory_order_release);
  current_.swap(next);
}

std::vector<std::uint32_t> catalog_store::held_generations() const {
  std::vector<std::uint32_t> result;
  const std::lock_guard lock{mutex_};
  for (const auto& [generation, one] : replaced_)
    if (!one.expired()) result.push_back(generation);
  return result;
}

}  // namespace greenroom::actors
