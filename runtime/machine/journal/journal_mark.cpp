#include "runtime/machine/journal/journal_mark.hpp"

#include "runtime/machine/journal/row_sum.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <utility>

namespace greenroom::machine {

namespace {

// The file's layout, in the machine's byte order: a mark from a machine with another byte order
// fails the checksum and counts as missing.
struct stored_mark {
  char magic[8];
  std::uint32_t at;
  std::uint32_t salt_1;
  std::uint32_t salt_2;
  std::uint32_t unused;
  char journal[32];
  std::uint64_t frames;
  std::uint64_t tasks;
  std::uint64_t ends;
  std::uint64_t last_row;
  std::uint64_t replaced_by;
  std::uint64_t suspect;
  std::int64_t sum;
};
constexpr char mark_magic[8] = {'G', 'R', 'M', 'A', 'R', 'K', '0', '1'};
constexpr std::uint64_t mark_kind = 0x6d61726b;

std::int64_t sum_of(const stored_mark& mark) {
  return row_sum{mark_kind}
      .add(std::string_view{reinterpret_cast<const char*>(&mark), offsetof(stored_mark, sum)})
      .value();
}

}  // namespace

journal_mark_file::~journal_mark_file() {
  if (fd_ >= 0) ::close(fd_);
}

journal_mark_file& journal_mark_file::operator=(journal_mark_file&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

std::string journal_mark_file::name_of(const std::string& journal_path) {
  return journal_path + "-mark";
}

std::optional<journal_mark> journal_mark_file::read(const std::string& journal_path) {
  const int fd = ::open(name_of(journal_path).c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return std::nullopt;
  stored_mark found{};
  const auto got = ::pread(fd, &found, sizeof found, 0);
  ::close(fd);
  if (got != static_cast<ssize_t>(sizeof found)
      || std::memcmp(found.magic, mark_magic, sizeof mark_magic) != 0 || found.sum != sum_of(found)
      || found.at > static_cast<std::uint32_t>(journal_mark::stage::closed))
    return std::nullopt;
  journal_mark mark;
  mark.at = static_cast<journal_mark::stage>(found.at);
  mark.journal.assign(found.journal, sizeof found.journal);
  if (mark.journal.front() == '\0') mark.journal.clear();
  mark.salt_1 = found.salt_1;
  mark.salt_2 = found.salt_2;
  mark.frames = found.frames;
  mark.tasks = found.tasks;
  mark.ends = found.ends;
  mark.last_row = found.last_row;
  mark.replaced_by = found.replaced_by;
  mark.suspect = found.suspect;
  return mark;
}

bool journal_mark_file::open(const std::string& journal_path) {
  if (fd_ >= 0) ::close(fd_);
  fd_ = ::open(name_of(journal_path).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  return fd_ >= 0;
}

bool journal_mark_file::write(const journal_mark& now) {
  if (fd_ < 0) return false;
  stored_mark made{};
  std::memcpy(made.magic, mark_magic, sizeof mark_magic);
  made.at = static_cast<std::uint32_t>(now.at);
  made.salt_1 = now.salt_1;
  made.salt_2 = now.salt_2;
  std::memcpy(made.journal, now.journal.data(), std::min(now.journal.size(), sizeof made.journal));
  made.frames = now.frames;
  made.tasks = now.tasks;
  made.ends = now.ends;
  made.last_row = now.last_row;
  made.replaced_by = now.replaced_by;
  made.suspect = now.suspect;
  made.sum = sum_of(made);
  // Less than a sector, in one call: written whole or not at all.
  return ::pwrite(fd_, &made, sizeof made, 0) == static_cast<ssize_t>(sizeof made);
}

void journal_mark_file::flush() {
  if (fd_ >= 0) ::fdatasync(fd_);
}

}  // namespace greenroom::machine
