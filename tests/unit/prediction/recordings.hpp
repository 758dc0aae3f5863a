// Reads reference recordings of cases, where there are any.
#pragma once

#include "runtime/prediction/evaluation.hpp"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace greenroom::runtime::testing {

/// Reference recordings, when there are any; see the README of the tests.
inline std::string recording(const std::string& name) {
  const char* folder = std::getenv("GREENROOM_SHARED");
  const std::filesystem::path shared =
      folder != nullptr ? folder : std::string(GREENROOM_SOURCE_DIR) + "/../shared";
  const std::filesystem::path file = shared / "traces" / name;
  return std::filesystem::exists(file) ? file.string() : "";
}

inline std::vector<logged_case> read_log(const std::string& file) {
  std::vector<logged_case> cases;
  std::map<std::string, std::size_t> places;
  std::map<std::string, specialist_index> names;
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(("zcat '" + file + "'").c_str(), "r"),
                                                   pclose);
  std::array<char, 512> line;
  bool header = true;
  while (pipe != nullptr && fgets(line.data(), line.size(), pipe.get()) != nullptr) {
    if (std::exchange(header, false)) continue;
    std::stringstream fields{std::string(line.data())};
    std::string at;
    std::string who;
    std::string duration;
    std::string key;
    std::getline(fields, at, ',');
    std::getline(fields, who, ',');
    std::getline(fields, duration, ',');
    std::getline(fields, key);
    const auto place = places.try_emplace(key, cases.size());
    if (place.second) cases.emplace_back();
    const auto known = names.try_emplace(who, static_cast<specialist_index>(names.size()));
    cases[place.first->second].push_back({std::stod(at), known.first->second});
  }
  return cases;
}

}  // namespace greenroom::runtime::testing
