#include "runtime/machine/journal/journal_openings.hpp"

#include <filesystem>
#include <map>
#include <system_error>

namespace greenroom::machine {

std::shared_ptr<journal_openings> journal_openings::of(const std::string& path) {
  static std::mutex mutex;
  static std::map<std::string, std::weak_ptr<journal_openings>> known;
  std::error_code ignored;
  const auto name = std::filesystem::absolute(path, ignored).lexically_normal().string();
  const std::lock_guard lock{mutex};
  std::erase_if(known, [](const auto& one) { return one.second.expired(); });
  auto& place = known[name];
  auto found = place.lock();
  if (!found) place = found = std::make_shared<journal_openings>();
  return found;
}

void journal_openings::enter(guest& one) {
  const std::lock_guard lock{list_mutex_};
  guests_.insert(&one);
}

void journal_openings::exit(guest& one) {
  const std::lock_guard lock{list_mutex_};
  guests_.erase(&one);
}

std::unique_lock<std::shared_mutex> journal_openings::clear() {
  ++waiting_;
  std::unique_lock alone{gate_};
  --waiting_;
  const std::lock_guard lock{list_mutex_};
  for (auto* one : guests_) one->leave();
  return alone;
}

}  // namespace greenroom::machine
