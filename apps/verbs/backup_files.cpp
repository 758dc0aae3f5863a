#include "apps/verbs/backup_files.hpp"

#include "apps/client/asking.hpp"
#include "runtime/machine/journal/journal_copy.hpp"

#include <system_error>
#include <utility>

namespace greenroom::apps {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

/// True for relative paths without `..`, so that a manifest cannot name files outside its folder.
bool stays_within(const std::string& name) {
  if (name.empty() || name.front() == '/') return false;
  for (const auto& part : fs::path{name})
    if (part == ".." || part == "." || part.empty()) return false;
  return true;
}

std::uint64_t count_in(const json& from, const char* key) {
  const auto found = from.find(key);
  return found != from.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
}

base::problem wrong_manifest(std::string text) { return {"manifest", std::move(text)}; }

base::problem wrong_file(std::string text) { return {"file", std::move(text)}; }

}  // namespace

base::expected<backup_manifest> read_manifest(const json& from) {
  if (!from.is_object() || count_in(from, "version") != 1)
    return wrong_manifest("it has no manifest of version 1, which is what this program reads");
  backup_manifest found;
  found.node = text_of(from, "node");
  found.journal = text_of(from, "journal");
  found.made_at = text_of(from, "made_at");
  found.tasks = count_in(from, "tasks");
  found.ends = count_in(from, "ends");
  const auto files = from.find("files");
  if (files == from.end() || !files->is_array())
    return wrong_manifest("its manifest lists no files");
  bool has_journal = false;
  for (const auto& each : *files) {
    listed_file one{text_of(each, "name"), count_in(each, "bytes"), text_of(each, "sha256")};
    if (!stays_within(one.name))
      return wrong_manifest("its manifest names a file outside: \"" + one.name + "\"");
    has_journal = has_journal || one.name == "journal.db";
    found.files.push_back(std::move(one));
  }
  if (!has_journal) return wrong_manifest("its manifest lists no journal.db");
  return found;
}

base::expected<void> check_file(const fs::path& folder, const listed_file& one) {
  const auto path = folder / one.name;
  std::error_code none;
  const auto bytes = fs::file_size(path, none);
  if (none) return wrong_file(path.string() + " is missing");
  if (bytes != one.bytes)
    return wrong_file(path.string() + " has " + std::to_string(bytes) + " bytes in place of "
                      + std::to_string(one.bytes));
  if (const auto sum = machine::sha256_of_file(path.string()); !sum || *sum != one.sha256)
    return wrong_file(path.string() + " is not what was written: its checksum (SHA-256) differs");
  return {};
}

}  // namespace greenroom::apps
