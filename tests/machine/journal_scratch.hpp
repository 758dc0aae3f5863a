// What the journal's tests share: a directory that goes away, records that are short to write, and
// a disk that is full when a test says so.
#pragma once

#include "runtime/machine/journal/journal.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace greenroom::machine::testing {

class scratch_directory {
public:
  scratch_directory() {
    auto pattern = (std::filesystem::temp_directory_path() / "journal-XXXXXX").string();
    if (!::mkdtemp(pattern.data())) std::abort();
    path_ = pattern;
  }
  ~scratch_directory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  scratch_directory(const scratch_directory&) = delete;
  scratch_directory& operator=(const scratch_directory&) = delete;

  [[nodiscard]] std::string file(const std::string& name = "journal.db") const {
    return path_ + "/" + name;
  }

private:
  std::string path_;
};

/// While this lives, no file of the process can grow or be written beyond its first byte.
class full_disk {
public:
  full_disk() {
    std::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit none{1, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &none);
  }
  ~full_disk() { ::setrlimit(RLIMIT_FSIZE, &before_); }
  full_disk(const full_disk&) = delete;
  full_disk& operator=(const full_disk&) = delete;

private:
  rlimit before_{};
};

template <class T>
T value_of(base::expected<T> result) {
  if (!result) throw std::runtime_error{result.error().text};
  return *std::move(result);
}
inline void value_of(const base::expected<void>& result) {
  if (!result) throw std::runtime_error{result.error().text};
}

template <class T>
std::string error_of(const base::expected<T>& result) {
  return result ? std::string{} : result.error().text;
}

inline std::unique_ptr<journal> open_journal(const std::string& path) {
  // These tests are about crashes of the process, which the page cache survives.
  return value_of(journal::open({path, false}));
}
/// The same, with whatever damage it finds.
inline std::unique_ptr<journal> open_journal(const std::string& path,
                                             std::vector<journal_damage>& damages) {
  return value_of(journal::open(
      {path, false, {}, [&damages](const journal_damage& one) { damages.push_back(one); }}));
}
inline std::unique_ptr<journal_reader> open_reader(const std::string& path) {
  return value_of(journal_reader::open({path, false}));
}

inline protocols::task_id id_of(std::uint64_t number) { return {0xfeedfacecafebeef, number}; }

inline accept_record accepted(std::uint64_t number, std::int64_t unix_ms = 1000) {
  accept_record record;
  record.id = id_of(number);
  record.specialist = "specialist-" + std::to_string(number % 3);
  record.department = "BACKEND";
  record.input = "{\"n\":" + std::to_string(number) + "}";
  record.request_hash = number;
  record.accepted_unix_ms = unix_ms;
  record.deadline_unix_ms = unix_ms + 30'000;
  return record;
}

inline end_record ended(std::uint64_t number, std::int64_t unix_ms = 2000) {
  end_record record;
  record.id = id_of(number);
  record.output = "{\"done\":" + std::to_string(number) + "}";
  record.ended_unix_ms = unix_ms;
  record.attempts = 1;
  return record;
}

inline std::vector<verdict> commit(journal& to, std::vector<record> batch) {
  return value_of(to.commit(batch));
}

inline std::vector<std::uint64_t> numbers_of(const std::vector<stored_task>& tasks) {
  std::vector<std::uint64_t> numbers;
  for (const auto& task : tasks) numbers.push_back(task.accepted.id.number);
  return numbers;
}

}  // namespace greenroom::machine::testing
