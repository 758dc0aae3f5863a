#include "apps/bench/journal_floor.hpp"

#include <unistd.h>

#include <sqlite3.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <functional>
#include <vector>

namespace greenroom::bench {

namespace {

using steady = std::chrono::steady_clock;

double micros(steady::duration d) { return std::chrono::duration<double, std::micro>(d).count(); }

double at(const std::vector<double>& sorted, double share) {
  if (sorted.empty()) return 0;
  const auto last = static_cast<double>(sorted.size() - 1);
  return sorted[static_cast<std::size_t>(share * last)];
}

/// Calls `commit` for the configured time; `commit` returns an error or "".
floor_outcome measure(const floor_options& options, const std::function<std::string()>& commit) {
  std::vector<double> took;
  took.reserve(1 << 16);
  const auto begin = steady::now();
  auto now = begin;
  const auto until = begin + std::chrono::duration<double>(options.seconds);
  while (now < until) {
    if (auto wrong = commit(); !wrong.empty()) return wrong;
    const auto then = steady::now();
    took.push_back(micros(then - now));
    now = then;
  }
  const double seconds = micros(now - begin) / 1e6;
  const auto commits = static_cast<double>(took.size());
  std::sort(took.begin(), took.end());
  return floor_result{.tasks_per_s = commits * static_cast<double>(options.batch) / seconds,
                      .commits_per_s = commits / seconds,
                      .p50_us = at(took, .5),
                      .p99_us = at(took, .99),
                      .p999_us = at(took, .999)};
}

/// A scratch file; removed with its -wal and -shm files.
struct scratch {
  std::string path;
  explicit scratch(const std::string& directory, const char* name)
      : path{directory + "/" + name + "." + std::to_string(::getpid())} {
    remove();
  }
  scratch(const scratch&) = delete;
  scratch& operator=(const scratch&) = delete;
  ~scratch() { remove(); }
  void remove() const {
    std::error_code ignored;
    for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(path + suffix, ignored);
  }
};

}  // namespace

floor_outcome sqlite_insert_floor(const floor_options& options) {
  const scratch file{options.directory, "insert-floor"};
  sqlite3* db = nullptr;
  if (sqlite3_open(file.path.c_str(), &db) != SQLITE_OK) {
    std::string wrong = sqlite3_errmsg(db);
    sqlite3_close(db);
    return wrong;
  }
  const auto run = [&](const char* sql) {
    return sqlite3_exec(db, sql, nullptr, nullptr, nullptr) == SQLITE_OK ? std::string{}
                                                                         : sqlite3_errmsg(db);
  };
  sqlite3_stmt* insert = nullptr;
  const auto measured = [&]() -> floor_outcome {
    for (const char* sql : {"PRAGMA journal_mode=WAL",
                            options.fsync ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL",
                            "CREATE TABLE task(id INTEGER PRIMARY KEY, input BLOB)"}) {
      if (auto wrong = run(sql); !wrong.empty()) return wrong;
    }
    if (sqlite3_prepare_v2(db, "INSERT INTO task(input) VALUES (?)", -1, &insert, nullptr)
        != SQLITE_OK) {
      return std::string{sqlite3_errmsg(db)};
    }
    const std::string payload(options.row_bytes, 'x');
    return measure(options, [&]() -> std::string {
      if (auto wrong = run("BEGIN IMMEDIATE"); !wrong.empty()) return wrong;
      for (std::size_t i = 0; i < options.batch; ++i) {
        sqlite3_bind_blob64(insert, 1, payload.data(), payload.size(), SQLITE_STATIC);
        if (sqlite3_step(insert) != SQLITE_DONE) return sqlite3_errmsg(db);
        sqlite3_reset(insert);
      }
      return run("COMMIT");
    });
  };
  auto result = measured();
  sqlite3_finalize(insert);
  sqlite3_close(db);
  return result;
}

}  // namespace greenroom::bench
