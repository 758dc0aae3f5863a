// `greenroom backup DIR` and `greenroom restore DIR`: a consistent copy of a running node's data,
// and its restoration.
#include "apps/client/asking.hpp"
#include "apps/verbs/all.hpp"
#include "protocols/base/expected.hpp"
#include "runtime/machine/journal/durable_files.hpp"
#include "runtime/machine/journal/journal_copy.hpp"
#include "runtime/machine/journal/journal_lock.hpp"
#include "runtime/machine/journal/node_identity.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

namespace greenroom::apps {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

/// The node answers only after copying, and a large journal takes long.
constexpr std::chrono::minutes copy_patience{30};
constexpr const char* manifest_name = "manifest.json";
constexpr std::uintmax_t manifest_bytes_max = 1U << 20U;

struct listed_file {
  std::string name;
  std::uint64_t bytes = 0;
  std::string sha256;
};

struct backup_manifest {
  std::string node, journal, made_at;
  std::uint64_t tasks = 0, ends = 0;
  std::vector<listed_file> files;
};

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

bool is_empty_folder(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored) && fs::is_empty(path, ignored);
}

/// Removes the folder unless `keep` was called.
class begun_folder {
public:
  explicit begun_folder(fs::path path) : path_{std::move(path)} {}
  ~begun_folder() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
  }
  begun_folder(const begun_folder&) = delete;
  begun_folder& operator=(const begun_folder&) = delete;
  [[nodiscard]] const fs::path& path() const { return path_; }
  void keep() { path_.clear(); }

private:
  fs::path path_;
};

int say_backup_failed(const std::string& what) {
  say_problem("backup-failed", what);
  return failed;
}

base::problem wrong_file(std::string text) { return {"file", std::move(text)}; }

/// Compares the file with the manifest.
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

// -- backup -------------------------------------------------------------------

struct backup_options {
  asking how;
  std::string folder;
};

/// Fetches one file of the backup. Returns what is wrong, or ""; if the client's `code` is not
/// `done`, the failure has been printed already.
std::string fetch_file(node_client& client, const std::string& id, std::size_t place,
                       const listed_file& one, const fs::path& folder) {
  const auto path = folder / one.name;
  std::error_code ignored;
  fs::create_directories(path.parent_path(), ignored);
  std::ofstream to{path, std::ios::binary};
  ::chmod(path.c_str(), 0600);
  for (std::uint64_t at = 0; at < one.bytes;) {
    const auto piece = client.raw(
        "GET", "/v1/backups/" + id + "/" + std::to_string(place) + "?offset=" + std::to_string(at));
    if (!piece) return "the node did not answer";
    if (!piece->good()) {
      client.say_refused(*piece);
      return "the node did not give all of it";
    }
    if (piece->body.empty()) return "the node's copy of " + one.name + " ended too early";
    to.write(piece->body.data(), static_cast<std::streamsize>(piece->body.size()));
    if (!to) return "cannot write " + path.string() + " — is there room and permission?";
    at += piece->body.size();
  }
  to.close();
  if (!to) return "cannot write " + path.string() + " — is there room and permission?";
  if (const auto whole = check_file(folder, one); !whole) return whole.error().text;
  if (const auto flushed = machine::flush_file(path.string()); !flushed)
    return flushed.error().text;
  return {};
}

int make_backup(const backup_options& o) {
  const fs::path target = fs::absolute(o.folder).lexically_normal();
  const auto name = target.filename().empty() ? target.parent_path() : target;
  if (fs::exists(name) && !is_empty_folder(name))
    return say_backup_failed("\"" + o.folder
                             + "\" exists and is not an empty folder — give another one");
  node_client client{o.how};
  const auto made = client.call("POST", "/v1/backups", nullptr, copy_patience);
  if (!made) return client.code();
  const auto id = text_of(*made, "id");
  const auto found = made->find("manifest");
  const auto read = read_manifest(found == made->end() ? json{} : *found);
  if (!read) return say_backup_failed("the node's backup cannot be read: " + read.error().text);
  const auto& manifest = *read;
  // The folder has a temporary name until it is complete, so that half a backup is not taken for
  // one.
  begun_folder fresh{name.string() + ".partial-" + std::to_string(::getpid())};
  std::error_code why_not;
  fs::create_directories(fresh.path(), why_not);
  ::chmod(fresh.path().c_str(), 0700);
  std::string wrong =
      why_not ? "cannot make " + fresh.path().string() + ": " + why_not.message() : std::string{};
  for (std::size_t i = 0; i < manifest.files.size() && wrong.empty(); ++i)
    wrong = fetch_file(client, id, i, manifest.files[i], fresh.path());
  static_cast<void>(client.raw("DELETE", "/v1/backups/" + id));
  if (!wrong.empty()) return say_backup_failed(wrong);
  const auto journal = machine::check_journal_copy((fresh.path() / "journal.db").string());
  if (!journal)
    return say_backup_failed("the copy of the journal is not sound: " + journal.error().text);
  const auto manifest_path = (fresh.path() / manifest_name).string();
  {
    std::ofstream to{manifest_path, std::ios::binary};
    to << found->dump(2) << '\n';
    if (!to.flush()) return say_backup_failed("cannot write " + manifest_path);
  }
  ::chmod(manifest_path.c_str(), 0600);
  auto flushed = machine::flush_file(manifest_path);
  if (flushed) flushed = machine::flush_directory(fresh.path().string());
  if (!flushed) return say_backup_failed(flushed.error().text);
  // rename replaces an empty folder, and fails if files have appeared in it meanwhile.
  if (std::rename(fresh.path().c_str(), name.c_str()) != 0)
    return say_backup_failed("cannot put the backup in place as " + name.string()
                             + " — is it still empty?");
  fresh.keep();
  static_cast<void>(machine::flush_directory(machine::parent_directory(name.string())));
  if (o.how.as_json) {
    print_json({{"folder", name.string()},
                {"tasks", manifest.tasks},
                {"ends", manifest.ends},
                {"files", manifest.files.size()},
                {"node", manifest.node},
                {"made_at", manifest.made_at}});
  } else {
    std::printf("%s: %llu tasks, %llu of them ended; every file was checked\n", name.c_str(),
                static_cast<unsigned long long>(manifest.tasks),
                static_cast<unsigned long long>(manifest.ends));
  }
  return done;
}

// -- restore ------------------------------------------------------------------

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

/// Copies a file and flushes the copy to disk. Returns what is wrong, or "".
std::string put_file(const fs::path& from, const fs::path& to) {
  std::error_code why;
  fs::create_directories(to.parent_path(), why);
  const fs::path fresh = to.string() + ".new";
  fs::copy_file(from, fresh, fs::copy_options::overwrite_existing, why);
  if (why) return "cannot write " + fresh.string() + ": " + why.message();
  ::chmod(fresh.c_str(), 0600);
  if (const auto flushed = machine::flush_file(fresh.string()); !flushed)
    return flushed.error().text;
  fs::rename(fresh, to, why);
  if (why) return "cannot write " + to.string() + ": " + why.message();
  if (const auto flushed = machine::flush_directory(to.parent_path().string()); !flushed)
    return flushed.error().text;
  return {};
}

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
    return wrong_manifest("\"" + o.folder + "\" is no backup: it has no " + manifest_name
                          + " — give the folder that greenroom backup made");
  std::ifstream file{manifest_path, std::ios::binary};
  auto read = read_manifest(
      json::parse(std::string{std::istreambuf_iterator<char>{file}, {}}, nullptr, false));
  if (!read) return wrong_manifest("\"" + o.folder + "\" cannot be restored: " + read.error().text);
  auto& manifest = *read;
  for (const auto& one : manifest.files)
    if (const auto whole = check_file(from, one); !whole) return whole.error();
  auto journal = machine::check_journal_copy((from / "journal.db").string());
  if (!journal) return journal.error();
  return checked_backup{std::move(manifest), *std::move(journal)};
}

/// Moves what is in the data folder into a folder of its own there, whose name is returned; empty
/// when there is nothing.
base::expected<std::string> move_aside(const fs::path& data) {
  const auto there = content_of(data);
  if (there.empty()) return std::string{};
  std::error_code failed_with;
  const auto place = data / ("replaced-" + machine::time_for_names());
  fs::create_directory(place, failed_with);
  for (const auto& each : there) {
    // Leave what an earlier restore moved aside.
    if (each.filename().string().starts_with("replaced-")) continue;
    fs::rename(each, place / each.filename(), failed_with);
    if (failed_with)
      return base::problem{"restore-failed",
                           "cannot move " + each.string() + " aside: " + failed_with.message()};
  }
  return place.string();
}

/// Writes the journal last: without it an interrupted restore has no effect. Returns what is wrong,
/// or "".
std::string write_data(const fs::path& from, const fs::path& data, const checked_backup& backup) {
  machine::node_identity who;
  who.node = backup.manifest.node;
  who.journal = backup.journal.identity;
  if (const auto written = machine::write_node_identity(data.string(), who); !written)
    return written.error().text;
  for (const auto& one : backup.manifest.files)
    if (one.name.starts_with("learned/"))
      if (auto wrong = put_file(from / one.name, data / one.name); !wrong.empty()) return wrong;
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
  if (const auto wrong = write_data(o.folder, data, *backup); !wrong.empty())
    return say_restore_failed(wrong);
  print_restored(o, *backup, *aside);
  return done;
}

}  // namespace

void add_backup(CLI::App& program, outcome& result) {
  auto* verb = program.add_subcommand("backup", "Copy a running node's data to a folder");
  verb->group(group::change);
  auto o = std::make_shared<backup_options>();
  verb->add_option("DIR", o->folder, "A new or empty folder")->required()->type_name("");
  add_asking_options(*verb, o->how);
  verb->footer(
      "The copy is consistent: every task that was acknowledged before the backup\n"
      "began is in it, with the learned state, the rollout and the configuration.\n"
      "Each file is checked. The folder gets its name only when the copy is complete.\n\n"
      "Example:\n"
      "  greenroom backup /var/backups/greenroom-2026-11-30");
  verb->callback([o, &result] { result.code = make_backup(*o); });
}

void add_restore(CLI::App& program, outcome& result) {
  auto* verb = program.add_subcommand("restore", "Put a backup back into a stopped node's data");
  verb->group(group::change);
  auto o = std::make_shared<restore_options>();
  verb->add_option("DIR", o->folder, "The folder that greenroom backup made")
      ->required()
      ->type_name("");
  verb->add_option("--data", o->data, "The data folder of the stopped node")
      ->required()
      ->type_name("DIR");
  verb->add_flag("--force", o->force, "Move what is in the data folder aside first");
  verb->add_flag("--json", o->as_json, "Print JSON");
  verb->footer(
      "Checks every file of the backup first. Refuses while a node runs on the data\n"
      "folder. Do not restore while the node that the backup was made of goes on\n"
      "elsewhere: both would run the same unfinished tasks.\n\n"
      "Example:\n"
      "  greenroom restore /var/backups/greenroom-1130 --data /var/lib/greenroom");
  verb->callback([o, &result] { result.code = restore_backup(*o); });
}

}  // namespace greenroom::apps
