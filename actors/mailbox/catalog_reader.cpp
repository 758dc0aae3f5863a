#include "actors/mailbox/catalog_reader.hpp"

#include <utility>
#include <vector>

namespace greenroom::actors {

namespace {

// By age. Beside the state, which has no destructor: then reading it asks for no initialization.
std::vector<std::shared_ptr<const catalog>>& held_catalogs() {
  thread_local std::vector<std::shared_ptr<const catalog>> mine;
  return mine;
}

}  // namespace

const catalog& catalog_reader::hold(std::shared_ptr<const catalog> fresh) {
  auto& all = held_catalogs();
  all.push_back(std::move(fresh));
  held_here.held = all.size();
  held_here.newest = all.back().get();
  return *held_here.newest;
}

void catalog_reader::release(std::size_t from) {
  auto& all = held_catalogs();
  // A destructor may read a catalog, so the released catalogs leave the list first.
  std::vector<std::shared_ptr<const catalog>> released;
  for (auto at = from; at + 1 < all.size(); ++at) released.push_back(std::move(all[at]));
  all.erase(all.begin() + static_cast<std::ptrdiff_t>(from), all.end() - 1);
  held_here.held = all.size();
}

}  // namespace greenroom::actors
