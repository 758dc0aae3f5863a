#include "runtime/machine/journal/journal_copy.hpp"

#include "protocols/base/hex.hpp"
#include "runtime/machine/journal/durable_files.hpp"
#include "runtime/machine/journal/journal.hpp"
#include "runtime/machine/journal/journal_openings.hpp"
#include "runtime/machine/journal/journal_replacement.hpp"
#include "runtime/machine/journal/journal_rows.hpp"
#include "runtime/machine/journal/journal_schema.hpp"
#include "runtime/machine/journal/sqlite.hpp"

#include <openssl/evp.h>

#include <array>
#include <fstream>
#include <memory>
#include <string_view>
#include <vector>

namespace greenroom::machine {

base::expected<std::string> sha256_of_file(const std::string& path, const std::stop_token& stop) {
  const base::problem unreadable{"file", "cannot read " + path};
  std::ifstream file{path, std::ios::binary};
  if (!file) return unreadable;
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> sum{EVP_MD_CTX_new(),
                                                                    &EVP_MD_CTX_free};
  if (!sum || EVP_DigestInit_ex(sum.get(), EVP_sha256(), nullptr) != 1) return unreadable;
  std::vector<char> piece(1U << 20U);
  do {
    if (stop.stop_requested()) return unreadable;
    file.read(piece.data(), static_cast<std::streamsize>(piece.size()));
    if (EVP_DigestUpdate(sum.get(), piece.data(), static_cast<std::size_t>(file.gcount())) != 1)
      return unreadable;
  } while (file);
  if (!file.eof()) return unreadable;
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  unsigned size = 0;
  if (EVP_DigestFinal_ex(sum.get(), bytes.data(), &size) != 1) return unreadable;
  return base::to_hex(std::span{bytes}.first(size));
}

base::expected<copied_journal> check_journal_copy(const std::string& path,
                                                  const std::stop_token& stop) {
  try {
    sqlite_connection db{path, sqlite_connection::mode::image};
    // The check of all pages is one step of SQLite's virtual machine, so only `sqlite3_interrupt`
    // ends it. An interrupt between two statements is lost; the progress handler covers that case.
    const std::stop_callback interrupts{stop, [&db] { sqlite3_interrupt(db.get()); }};
    auto asks = stop;
    constexpr int steps = 1000;
    sqlite3_progress_handler(
        db.get(), steps,
        [](void* asked) {
          return static_cast<const std::stop_token*>(asked)->stop_requested() ? 1 : 0;
        },
        &asks);
    if (stop.stop_requested())
      return base::problem{"stopped", path + " was not looked at to the end"};
    copied_journal found;
    found.format = db.number("PRAGMA user_version");
    if (db.number("PRAGMA application_id") != journal_application)
      return base::problem{"foreign", path + " is no journal of Greenroom"};
    if (found.format > journal_version)
      return base::problem{"version", path + " was written by a newer Greenroom (format "
                                          + std::to_string(found.format)
                                          + "; this program knows formats up to "
                                          + std::to_string(journal_version) + ")"};
    check_journal_pages(db, true);
    found.identity = db.text("SELECT value FROM state WHERE name = 'journal.identity'");
    found.tasks = unsigned_of(db.number("SELECT count(*) FROM task"));
    found.ends = unsigned_of(db.number("SELECT count(*) FROM \"end\""));
    found.unfinished = unsigned_of(
        db.number("SELECT count(*) FROM task LEFT JOIN \"end\" ON \"end\".row = task.row"
                  " WHERE \"end\".row IS NULL"));
    return found;
  } catch (const std::exception& wrong) {
    return base::problem{"damaged", wrong.what()};
  }
}

base::expected<void> copy_journal(const journal_options& options, const std::string& to,
                                  const std::function<bool()>& go_on) {
  return as_result<void>([&] {
    // The files are not replaced while this lock is held. The steps are short, so that commits go
    // on. A copy is aborted when a repair of the files waits for it.
    const auto others = journal_openings::of(options.path);
    const auto held = others->use();
    sqlite_connection from{options.path, sqlite_connection::mode::read_only};
    from.keep_log_when_closed();
    // One snapshot for all steps: otherwise a commit in between would restart the copy.
    from.run("BEGIN");
    static_cast<void>(from.number("SELECT count(*) FROM mark"));
    constexpr int pages = 256;
    copy_open_database(from, to, pages, [&] { return !others->wanted() && (!go_on || go_on()); });
    from.run("COMMIT");
    if (const auto flushed = flush_file(to); !flushed)
      throw sqlite_error{SQLITE_IOERR, flushed.error().text};
  });
}

}  // namespace greenroom::machine
