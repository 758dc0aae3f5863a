#include "actors/node/backups.hpp"

#include "actors/state/text.hpp"
#include "config/writer.hpp"
#include "protocols/base/time_text.hpp"
#include "protocols/task_types.hpp"
#include "runtime/machine/journal/journal_copy.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace greenroom::actors {

namespace {

constexpr std::size_t backup_piece_bytes = std::size_t{1} << 20U;
constexpr std::size_t backup_jobs_max = 16;
constexpr std::chrono::seconds default_retry_after{5};
constexpr std::uint64_t backup_spare_bytes = std::uint64_t{16} << 20U;  // Left on the disk.
// A name that no user gives to a folder: folders left from an earlier run are removed.
constexpr std::string_view backup_prefix = ".backup-under-way-";

bool is_left_over(std::string_view name) {
  return name.starts_with(backup_prefix)
         && protocols::parse_task_id(name.substr(backup_prefix.size()));
}

void write_backup_file(const std::filesystem::path& path, const std::string& text) {
  std::ofstream file{path, std::ios::binary};
  file.write(text.data(), static_cast<std::streamsize>(text.size()));
  file.flush();
  if (!file) throw std::runtime_error{"cannot write " + path.string()};
}

using kind = backup_problem::kind;

base::problem copy_error(std::string why) { return {"not-copied", std::move(why)}; }

}  // namespace

backups::backups(const backup_parts& parts, settings from)
    : parts_{parts}, settings_{std::move(from)} {
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator{settings_.data_dir, ignored})
    if (is_left_over(entry.path().filename().string()))
      std::filesystem::remove_all(entry.path(), ignored);
  thread_ = std::thread{[this] { run(); }};
}

backups::~backups() {
  std::deque<job> pending_jobs;
  {
    const std::lock_guard lock{mutex_};
    stopping_.request_stop();
    pending_jobs.swap(jobs_);
  }
  waker_.notify_one();
  for (const auto& one : pending_jobs)
    one.done(backup_problem{kind::failed, "the node stops", default_retry_after});
  thread_.join();
  remove_files();
}

void backups::enqueue(std::function<void()> work, const answer& done) {
  {
    const std::lock_guard lock{mutex_};
    if (!stopping_.stop_requested() && jobs_.size() < backup_jobs_max) {
      jobs_.push_back({std::move(work), done});
      waker_.notify_one();
      return;
    }
  }
  done(backup_problem{kind::failed, "too many requests for backups wait already",
                      default_retry_after});
}

void backups::create(answer done) {
  enqueue([this, done] { create_now(done); }, done);
}

void backups::read_chunk(std::string id, std::size_t file, std::uint64_t offset, answer done) {
  enqueue(
      [this, id = std::move(id), file, offset, done] {
        if (id != id_ || id.empty() || file >= files_.size())
          return done(backup_problem{kind::no_such_backup,
                                     "there is no such backup, or it was removed; make another one",
                                     {}});
        std::ifstream from{folder_ + "/" + files_[file].name, std::ios::binary};
        std::string bytes(backup_piece_bytes, '\0');
        from.seekg(static_cast<std::streamoff>(std::min(offset, files_[file].bytes)));
        from.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
        bytes.resize(static_cast<std::size_t>(std::max<std::streamsize>(from.gcount(), 0)));
        used_at_ns_ = parts_.clock.now_ns();
        done(std::move(bytes));
      },
      done);
}

void backups::remove(std::string id, answer done) {
  enqueue(
      [this, id = std::move(id), done] {
        if (id != id_ || id.empty())
          return done(backup_problem{kind::no_such_backup, "there is no such backup", {}});
        remove_files();
        done(std::string{"{}"});
      },
      done);
}

void backups::run() {
  std::unique_lock lock{mutex_};
  for (;;) {
    const auto woken = [this] { return stopping_.stop_requested() || !jobs_.empty(); };
    if (id_.empty()) {
      waker_.wait(lock, woken);
    } else if (!waker_.wait_for(lock, time_until_expiry(), woken)) {
      lock.unlock();
      expire();
      lock.lock();
      continue;
    }
    if (stopping_.stop_requested()) return;
    auto next = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    next.work();
    lock.lock();
  }
}

void backups::remove_files() {
  std::error_code ignored;
  if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
  folder_.clear();
  id_.clear();
  files_.clear();
}

std::chrono::nanoseconds backups::time_until_expiry() const {
  const std::chrono::nanoseconds unused{parts_.clock.now_ns() - used_at_ns_};
  return std::max(settings_.unused_max - unused, std::chrono::nanoseconds{0});
}

void backups::expire() {
  if (!id_.empty() && time_until_expiry().count() == 0) remove_files();
}

void backups::create_now(const answer& done) {
  expire();  // The thread checks expiry only while no request waits, so check here too.
  if (!id_.empty()) {
    const auto seconds_left = std::chrono::ceil<std::chrono::seconds>(time_until_expiry());
    return done(backup_problem{
        kind::under_way,
        "backup " + id_ + " is being fetched; it is removed when that is done, by DELETE "
            + "/v1/backups/" + id_ + ", or after another " + std::to_string(seconds_left.count())
            + " s without a request",
        seconds_left});
  }
  const auto id = protocols::to_string(
      protocols::task_id{parts_.seed, static_cast<std::uint64_t>(parts_.clock.now_ns())});
  folder_ = settings_.data_dir + "/" + std::string{backup_prefix} + id;
  const auto copied = [this]() -> base::expected<void> {
    try {
      return copy_all(folder_);
    } catch (const std::exception& thrown) {
      return copy_error(thrown.what());
    }
  }();
  if (!copied) {
    remove_files();
    parts_.events.publish("backup.failed", json_object{{"why", copied.error().text}});
    return done(backup_problem{kind::failed, copied.error().text, default_retry_after});
  }
  id_ = id;
  used_at_ns_ = parts_.clock.now_ns();
  parts_.events.publish("backup.made", json_object{{"tasks", tasks_}});
  done(std::string{
      json_object{{"id", id_}, {"piece_bytes", backup_piece_bytes}}.raw("manifest", manifest())});
}

base::expected<void> backups::check_space() const {
  namespace fs = std::filesystem;
  std::uint64_t needed = backup_spare_bytes;
  for (const auto* ending : {"", "-wal"}) {
    std::error_code error;
    const auto bytes = fs::file_size(settings_.journal.path + ending, error);
    if (!error) needed += bytes;
  }
  std::error_code error;
  const auto room = fs::space(settings_.data_dir, error);
  // If free space is unknown, try anyway.
  if (error || room.available >= needed) return {};
  return copy_error("a backup needs " + std::to_string(needed >> 20U) + " MiB of free space in "
                    + settings_.data_dir + " for a moment, and there are "
                    + std::to_string(room.available >> 20U));
}

base::expected<void> backups::copy_journal(const std::string& folder) {
  const auto stop = stopping_.get_token();
  const auto keep_going = [&stop] { return !stop.stop_requested(); };
  const auto copied = machine::copy_journal(settings_.journal, folder + "/journal.db", keep_going);
  if (!copied) return copy_error(copied.error().text);
  const auto checked = machine::check_journal_copy(folder + "/journal.db", stop);
  if (!checked) return checked.error();
  tasks_ = checked->tasks;
  ends_ = checked->ends;
  return {};
}

base::expected<void> backups::copy_all(const std::string& folder) {
  namespace fs = std::filesystem;
  if (auto space = check_space(); !space) return space;
  if (::mkdir(folder.c_str(), 0700) != 0) return copy_error("cannot make " + folder);
  made_unix_ms_ = parts_.clock.unix_ms();
  if (auto copied = copy_journal(folder); !copied) return copied;
  std::vector<std::string> names{"journal.db"};
  fs::create_directory(folder + "/learned");
  for (std::size_t i = 0; i < learned_state::parts; ++i) {
    const auto part = static_cast<learned_state::part>(i);
    const auto text = parts_.forecast.learned.latest(part);
    if (text.empty()) continue;
    names.push_back("learned/" + std::string{learned_state::name_of(part)} + ".state");
    write_backup_file(fs::path{folder} / names.back(), text);
  }
  const catalog_reader::scope catalog_guard;  // Keeps the catalog alive.
  names.emplace_back("configuration.yaml");
  write_backup_file(fs::path{folder} / names.back(), config::to_yaml(parts_.catalogs.now().config));
  files_.clear();
  for (auto& name : names) {
    copied_file one;
    one.bytes = fs::file_size(fs::path{folder} / name);
    auto sum = machine::sha256_of_file(folder + "/" + name, stopping_.get_token());
    if (!sum) return sum.error();
    one.sha256 = *std::move(sum);
    one.name = std::move(name);
    files_.push_back(std::move(one));
  }
  return {};
}

std::string backups::manifest() const {
  return json_object{
      {"version", 1},
      {"made_at", base::rfc3339(made_unix_ms_)},
      {"node", settings_.node},
      {"journal", settings_.journal.expected},
      {"greenroom", settings_.version},
      {"tasks", tasks_},
      {"ends", ends_},
      {"files",
       json_array{
           files_, [](const auto& one) {
             return json_object{{"name", one.name}, {"bytes", one.bytes}, {"sha256", one.sha256}};
           }}}};
}

}  // namespace greenroom::actors
