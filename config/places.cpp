#include "config/places.hpp"

#include <utility>

namespace greenroom::config {

void places::note(std::string path, mark at, std::string shown) {
  all_.try_emplace(std::move(path), place{std::move(at), std::move(shown)});
}

places::place places::find(std::string_view path) const {
  for (auto rest = path;;) {
    if (const auto found = all_.find(std::string{rest}); found != all_.end()) {
      auto result = found->second;
      if (rest.size() < path.size()) result.shown += path.substr(rest.size());
      return result;
    }
    const auto cut = rest.find_last_of(".[");
    if (cut == std::string_view::npos) break;
    rest = rest.substr(0, cut);
  }
  const auto root = all_.find(std::string{});
  return root == all_.end() ? place{} : place{root->second.at, std::string{path}};
}

}  // namespace greenroom::config
