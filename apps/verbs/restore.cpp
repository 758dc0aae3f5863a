// `greenroom restore DIR`: puts a backup back into the data folder of a stopped node.
#include "apps/client/asking.hpp"
#include "apps/client/verb.hpp"
#include "apps/verbs/backup_files.hpp"
#include "runtime/machine/journal/durable_files.hpp"
#include "runtime/machine/journal/journal_copy.hpp"
#include "runtime/machine/journal/journal_lock.hpp"
#include "runtime/machine/journal/node_identity.hpp"

#include <sys/stat.h>

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace greenroom::apps {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::uintmax_t manifest_bytes_max = 1U << 20U;

struct restore_options {
  std::string folder, data;
  bool force = false, as_json = false;
};

int say_restore_failed(const std::string& what) {
  say_problem("restore-failed", what);
  return failed;
}

/// All files but the journal's lock, which this process holds.
std::vector<fs::path> content_of(const fs::path& data) {
  std::vector<fs::path> found;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator{data, ignored})
    if (entry.path().filename() != "journal.db-lock") found.push_back(entry.path());
  return found;
}

base::problem cannot_write(const fs::path& path, const std::error_code& why) {
  return {"restore-failed", "cannot write " + path.string() + ": " + why.message()};
}

/// Copies a file and flushes the copy to disk.
base::expected<void> put_file(const fs::path& from, const fs::path& to) {
  std::error_code why;
  fs::create_directories(to.parent_path(), why);
  const fs::path fresh = to.string() + ".new";
  fs::copy_file(from, fresh, fs::copy_options::overwrite_existing, why);
  if (why) return cannot_write(fresh, why);
  ::chmod(fresh.c_str(), 0600);
  if (auto flushed = machine::flush_file(fresh.string()); !flushed) return flushed;
  fs::rename(fresh, to, why);
  if (why) return cannot_write(to, why);
  return machine::flush_directory(to.parent_path().string());
}

base::problem wrong_backup(std::string text) { return {"manifest", std::move(text)}; }

/// A backup of which every file was checked.
struct checked_backup {
  backup_manifest manifest;
  machine::copied_journal journal;
};

base::expected<checked_backup> check_backup(const restore_options& o) {
  const fs::path from{o.folder};
  std::error_code none;
  const auto manifest_path = from / manifest_name;
  if (!fs::exists(manifest_path, none) || fs::file_size(manifest_path, none) > manifest_bytes_max)
    return wrong_backup("\"" + o.folder + "\" is no backup: it has no " + manifest_name
                        + " — give the folder that greenroom backup made");
  std::ifstream file{manifest_path, std::ios::binary};
  auto read = read_manifest(
      json::parse(std::string{std::istreambuf_iterator<char>{file}, {}}, nullptr, false));
  if (!read) return wrong_backup("\"" + o.folder + "\" cannot be restored: " + read.error().text);
  auto& manifest = *read;
  for (const auto& one : manifest.files)
    if (const auto whole = check_file(from, one); !whole) return whole.error();
  auto journal = machine::check_journal_copy((from / "journal.db").string());
  if (!journal) return journal.error();
  return checked_backup{std::move(manifest), *std::move(journal)};
}

/// Moves the content of the data folder into a new folder there. Returns the name of the new
/// folder, or an empty name if there was no content.
base::expected<std::string> move_aside(const fs::path& data) {
  const auto content = content_of(data);
  if (content.empty()) return std::string{};
  std::error_code failed_with;
  const auto aside = data / ("replaced-" + machine::time_for_names());
  fs::create_directory(aside, failed_with);
  for (const auto& each : content) {
    // Leave what an earlier restore moved aside.
    if (each.filename().string().starts_with("replaced-")) continue;
    fs::rename(each, aside / each.filename(), failed_with);
    if (failed_with)
      return base::problem{"restore-failed",
                           "cannot move " + each.string() + " aside: " + failed_with.message()};
  }
  return aside.string();
}

/// Writes the journal last: without it an interrupted restore has no effect.
base::expected<void> write_data(const fs::path& from, const fs::path& data,
                                const checked_backup& backup) {
  machine::node_identity identity;
  identity.node = backup.manifest.node;
  identity.journal = backup.journal.identity;
  if (auto written = machine::write_node_identity(data.string(), identity); !written)
    return written.error();
  for (const auto& one : backup.manifest.files)
    if (one.name.starts_with("learned/"))
      if (auto put = put_file(from / one.name, data / one.name); !put) return put;
  return put_file(from / "journal.db", data / "journal.db");
}

void print_restored(const restore_options& o, const checked_backup& backup,
                    const std::string& aside) {
  const auto& counts = backup.journal;
  const auto& made_at = backup.manifest.made_at;
  if (o.as_json) {
    print_json({{"data", o.data},
                {"tasks", counts.tasks},
                {"unfinished", counts.unfinished},
                {"made_at", made_at},
                {"moved_aside", aside}});
    return;
  }
  if (!aside.empty()) std::printf("what was there is now in %s\n", aside.c_str());
  std::printf(
      "%s: %llu tasks as of %s, %llu of them unfinished, which run after the start\n"
      "next: greenroom serve --config FILE --data %s (the node's configuration is in %s)\n",
      o.data.c_str(), static_cast<unsigned long long>(counts.tasks), made_at.c_str(),
      static_cast<unsigned long long>(counts.unfinished), o.data.c_str(),
      (fs::path{o.folder} / "configuration.yaml").c_str());
}

int restore_backup(const restore_options& o) {
  const fs::path data{o.data};
  const auto backup = check_backup(o);
  if (!backup) return say_restore_failed(backup.error().text);
  const auto journal_path = (data / "journal.db").string();
  if (const auto made = machine::create_journal_directory(journal_path); !made)
    return say_restore_failed(made.error().text);
  machine::journal_lock lock;
  if (const auto locked = lock.take(journal_path); !locked)
    return say_restore_failed(locked.error().text);
  if (!content_of(data).empty() && !o.force)
    return say_restore_failed("\"" + o.data
                              + "\" is not empty — give an empty folder, or --force, which moves "
                                "what is there aside");
  const auto aside = move_aside(data);
  if (!aside) return say_restore_failed(aside.error().text);
  if (const auto written = write_data(o.folder, data, *backup); !written)
    return say_restore_failed(written.error().text);
  print_restored(o, *backup, *aside);
  return done;
}

}  // namespace

void define_restore(CLI::App& verb, outcome& result) {
  verb.description("Put a backup back into a stopped node's data");
  auto o = std::make_shared<restore_options>();
  verb.add_option("DIR", o->folder, "The folder that greenroom backup made")
      ->required()
      ->type_name("");
  verb.add_option("--data", o->data, "The data folder of the stopped node")
      ->required()
      ->type_name("DIR");
  verb.add_flag("--force", o->force, "Move what is in the data folder aside first");
  verb.add_flag("--json", o->as_json, "Print JSON");
  verb.footer(
      "Checks every file of the backup first. Refuses while a node runs on the data\n"
      "folder. Do not restore while the node that the backup was made of goes on\n"
      "elsewhere: both would run the same unfinished tasks.\n\n"
      "Example:\n"
      "  greenroom restore /var/backups/greenroom-1130 --data /var/lib/greenroom");
  verb.callback([o, &result] { result.code = restore_backup(*o); });
}

}  // namespace greenroom::apps
