// `greenroom backup DIR`: a consistent copy of a running node's data.
#include "apps/client/asking.hpp"
#include "apps/client/verb.hpp"
#include "apps/verbs/backup_files.hpp"
#include "runtime/machine/journal/durable_files.hpp"
#include "runtime/machine/journal/journal_copy.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <system_error>
#include <utility>

namespace greenroom::apps {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

/// The node answers only after copying, and a large journal takes long.
constexpr std::chrono::minutes copy_patience{30};

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

struct backup_options {
  asking how;
  std::string folder;
};

base::problem cannot_write(const fs::path& path) {
  return {"backup-failed", "cannot write " + path.string() + " — is there room and permission?"};
}

/// Fetches one file of the backup and checks the copy. If the node refuses, the node's answer is
/// printed, too.
base::expected<void> fetch_file(node_client& client, const std::string& id, std::size_t index,
                                const listed_file& one, const fs::path& folder) {
  const auto path = folder / one.name;
  std::error_code ignored;
  fs::create_directories(path.parent_path(), ignored);
  std::ofstream to{path, std::ios::binary};
  ::chmod(path.c_str(), 0600);
  for (std::uint64_t at = 0; at < one.bytes;) {
    const auto chunk = client.raw(
        "GET", "/v1/backups/" + id + "/" + std::to_string(index) + "?offset=" + std::to_string(at));
    if (!chunk) return base::problem{"backup-failed", "the node did not answer"};
    if (!chunk->good()) {
      client.say_refused(*chunk);
      return base::problem{"backup-failed", "the node did not give all of it"};
    }
    if (chunk->body.empty())
      return base::problem{"backup-failed", "the node's copy of " + one.name + " ended too early"};
    to.write(chunk->body.data(), static_cast<std::streamsize>(chunk->body.size()));
    if (!to) return cannot_write(path);
    at += chunk->body.size();
  }
  to.close();
  if (!to) return cannot_write(path);
  if (auto checked = check_file(folder, one); !checked) return checked;
  return machine::flush_file(path.string());
}

/// Fetches all files of the backup into a new folder.
base::expected<void> fetch_files(node_client& client, const std::string& id,
                                 const backup_manifest& manifest, const fs::path& folder) {
  std::error_code why_not;
  fs::create_directories(folder, why_not);
  ::chmod(folder.c_str(), 0700);
  if (why_not)
    return base::problem{"backup-failed",
                         "cannot make " + folder.string() + ": " + why_not.message()};
  for (std::size_t i = 0; i < manifest.files.size(); ++i)
    if (auto fetched = fetch_file(client, id, i, manifest.files[i], folder); !fetched)
      return fetched;
  return {};
}

/// Writes the manifest and flushes the folder to disk.
base::expected<void> write_manifest(const json& manifest, const fs::path& folder) {
  const auto path = (folder / manifest_name).string();
  {
    std::ofstream to{path, std::ios::binary};
    to << manifest.dump(2) << '\n';
    if (!to.flush()) return base::problem{"backup-failed", "cannot write " + path};
  }
  ::chmod(path.c_str(), 0600);
  if (auto flushed = machine::flush_file(path); !flushed) return flushed;
  return machine::flush_directory(folder.string());
}

void print_made(const fs::path& name, const backup_manifest& manifest, bool as_json) {
  if (as_json) {
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
  // A temporary name, so that an incomplete folder cannot be mistaken for a backup.
  begun_folder fresh{name.string() + ".partial-" + std::to_string(::getpid())};
  const auto fetched = fetch_files(client, id, manifest, fresh.path());
  static_cast<void>(client.raw("DELETE", "/v1/backups/" + id));
  if (!fetched) return say_backup_failed(fetched.error().text);
  const auto journal = machine::check_journal_copy((fresh.path() / "journal.db").string());
  if (!journal)
    return say_backup_failed("the copy of the journal is not sound: " + journal.error().text);
  if (const auto written = write_manifest(*found, fresh.path()); !written)
    return say_backup_failed(written.error().text);
  // rename replaces an empty folder, and fails if files have appeared in it meanwhile.
  if (std::rename(fresh.path().c_str(), name.c_str()) != 0)
    return say_backup_failed("cannot put the backup in place as " + name.string()
                             + " — is it still empty?");
  fresh.keep();
  static_cast<void>(machine::flush_directory(machine::parent_directory(name.string())));
  print_made(name, manifest, o.how.as_json);
  return done;
}

}  // namespace

void define_backup(CLI::App& verb, outcome& result) {
  verb.description("Copy a running node's data to a folder");
  auto o = std::make_shared<backup_options>();
  verb.add_option("DIR", o->folder, "A new or empty folder")->required()->type_name("");
  add_asking_options(verb, o->how);
  verb.footer(
      "The copy is consistent: every task that was acknowledged before the backup\n"
      "began is in it, with the learned state, the rollout and the configuration.\n"
      "Each file is checked. The folder gets its name only when the copy is complete.\n\n"
      "Example:\n"
      "  greenroom backup /var/backups/greenroom-2026-11-30");
  verb.callback([o, &result] { result.code = make_backup(*o); });
}

}  // namespace greenroom::apps
