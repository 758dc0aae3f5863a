#include "runtime/machine/journal/journal_replacement.hpp"

#include "runtime/machine/journal/durable_files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace greenroom::machine {

namespace {

[[noreturn]] void fail_with(const std::string& what) {
  throw sqlite_error{SQLITE_IOERR, what + ": " + std::strerror(errno)};
}

void rename_if_there(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0 && errno != ENOENT)
    fail_with("cannot rename " + from + " to " + to);
}

void need(const base::expected<void>& done) {
  if (!done) throw sqlite_error{SQLITE_IOERR, done.error().text};
}

}  // namespace

std::string journal_image_of(const std::string& path) { return path + ".image"; }

void create_private_file(const std::string& path) {
  const int made = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (made < 0) fail_with("cannot make " + path);
  ::close(made);
}

std::string free_name_for(const std::string& path) {
  const auto base = path + ".damaged-" + time_for_names();
  auto name = base;
  for (int i = 2; number_of_file(name) || number_of_file(name + "-wal"); ++i)
    name = base + "-" + std::to_string(i);
  return name;
}

std::string replacement_of(const std::string& path) { return path + ".new"; }

std::string set_journal_aside(const std::string& path) {
  auto aside = free_name_for(path);
  rename_if_there(path + "-wal", aside + "-wal");
  rename_if_there(path, aside);
  ::unlink((path + "-shm").c_str());
  static_cast<void>(flush_directory(parent_directory(path)));
  return aside;
}

std::string set_log_aside(const std::string& path) {
  auto aside = free_name_for(path) + "-wal";
  rename_if_there(path + "-wal", aside);
  ::unlink((path + "-shm").c_str());
  static_cast<void>(flush_directory(parent_directory(path)));
  return aside;
}

void copy_open_database(sqlite_connection& from, const std::string& to, int pages,
                        const std::function<bool()>& go_on) {
  create_private_file(to);
  sqlite_connection copy{to, sqlite_connection::mode::read_write};
  copy.run("PRAGMA synchronous=OFF");
  auto* work = sqlite3_backup_init(copy.get(), "main", from.get(), "main");
  if (work == nullptr) copy.fail(sqlite3_errcode(copy.get()));
  int code = SQLITE_OK;
  while (code == SQLITE_OK || code == SQLITE_BUSY || code == SQLITE_LOCKED) {
    code = sqlite3_backup_step(work, pages);
    if (code == SQLITE_DONE) break;
    if (go_on && !go_on()) code = SQLITE_INTERRUPT;
  }
  sqlite3_backup_finish(work);
  if (code != SQLITE_DONE) copy.fail(code, sqlite3_errstr(code));
  // One file without a log.
  if (copy.text("PRAGMA journal_mode=DELETE") != "delete")
    copy.fail(SQLITE_IOERR, "the copy could not be closed");
}

void replace_journal(const std::string& path, const std::string& fresh, journal_mark mark,
                     const std::string& aside, bool keep_log) {
  need(flush_file(fresh));
  // The old file keeps its content under a second name; the rename below is atomic.
  if (!aside.empty() && number_of_file(path) && ::link(path.c_str(), aside.c_str()) != 0)
    fail_with("cannot set " + path + " aside as " + aside);
  // The new file, which the mark names, must survive a power cut.
  need(flush_directory(parent_directory(path)));
  mark.replaced_by = number_of_file(fresh).value_or(file_number{}).inode;
  const auto before = journal_mark_file::read(path);
  journal_mark_file file;
  file.open(path);
  file.write(mark);
  file.flush();
  if (::rename(fresh.c_str(), path.c_str()) != 0) {
    const auto why = errno;
    // The old file stays, so its mark must stay too.
    if (before)
      file.write(*before);
    else
      ::unlink(journal_mark_file::name_of(path).c_str());
    errno = why;
    fail_with("cannot put " + fresh + " in place");
  }
  if (keep_log)
    rename_if_there(path + "-wal", (aside.empty() ? free_name_for(path) : aside) + "-wal");
  else
    ::unlink((path + "-wal").c_str());
  ::unlink((path + "-shm").c_str());
  need(flush_directory(parent_directory(path)));
}

std::string finish_replacement(const std::string& path) {
  const temporary_database image{journal_image_of(path)};
  std::string aside;
  struct stat old {};
  if (::stat(path.c_str(), &old) == 0 && old.st_nlink == 1) {
    aside = free_name_for(path);
    if (::link(path.c_str(), aside.c_str()) != 0)
      fail_with("cannot set " + path + " aside as " + aside);
  }
  if (::rename(replacement_of(path).c_str(), path.c_str()) != 0)
    fail_with("cannot put " + replacement_of(path) + " in place");
  ::unlink((path + "-shm").c_str());
  need(flush_directory(parent_directory(path)));
  return aside;
}

}  // namespace greenroom::machine
