#include "runtime/prediction/numbered_names.hpp"

#include "runtime/state_text.hpp"

#include <cstddef>
#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace greenroom::runtime {

namespace {

constexpr std::string_view kind = "greenroom predictor with its cast";
constexpr std::uint32_t version = 2;
constexpr std::size_t names_max = 10'000'000;
// So many names that are not in the catalog are kept beside one for each that is.
constexpr std::size_t departed_names = 1024;

}  // namespace

void numbered_names::adopt(const std::vector<member>& members) {
  std::unordered_map<std::string_view, std::uint32_t> numbers;
  names_.reserve(names_.size() + members.size());  // Views into the names must stay valid.
  for (std::uint32_t number = 0; number < names_.size(); ++number)
    numbers.emplace(names_[number], number);
  auto free = numbers_to_reuse(members);
  number_of_.resize(members.size());
  for (std::uint32_t index = 0; index < members.size(); ++index) {
    const auto name = members[index].name;
    auto found = numbers.find(name);
    if (found == numbers.end() && !free.empty()) {
      const auto number = free.back();
      free.pop_back();
      numbers.erase(names_[number]);
      names_[number] = name;
      found = numbers.emplace(names_[number], number).first;
    } else if (found == numbers.end()) {
      names_.emplace_back(name);
      found = numbers.emplace(names_.back(), static_cast<std::uint32_t>(names_.size() - 1)).first;
    }
    number_of_[index] = found->second;
  }
  index_of_.assign(names_.size(), none);
  for (std::uint32_t index = 0; index < members.size(); ++index)
    if (!members[index].removed) index_of_[number_of_[index]] = index;
}

// Reloads may bring new names without end.
std::vector<std::uint32_t> numbered_names::numbers_to_reuse(
    const std::vector<member>& members) const {
  std::vector<std::uint32_t> result;
  if (names_.size() < 2 * members.size() + departed_names) return result;
  std::unordered_set<std::string_view> present;
  for (const auto& one : members) present.insert(one.name);
  for (std::uint32_t number = 0; number < names_.size(); ++number)
    if (!present.contains(names_[number])) result.push_back(number);
  return result;
}

std::string numbered_names::sealed_with(std::string_view model) const {
  state_writer to;
  to.put(static_cast<std::uint64_t>(names_.size()));
  for (const auto& one : names_) to.put(std::string_view{one});
  to.put(model);
  return to.sealed(kind, version);
}

base::expected<std::string> numbered_names::restore(std::string_view sealed) {
  const auto body = state_reader::open(sealed, kind, version);
  if (!body) return body.error();
  state_reader from{*body};
  const auto count = from.count(names_max, sizeof(std::uint64_t));
  std::vector<std::string> names;
  for (std::size_t i = 0; i < count; ++i) names.emplace_back(from.text());
  std::string model{from.text()};
  if (from.failed() || !from.at_end())
    return base::problem{"damaged", "names and model do not add up"};
  names_ = std::move(names);
  return model;
}

}  // namespace greenroom::runtime
