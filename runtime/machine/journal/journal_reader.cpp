// Reads a journal beside its writer, over SQLite.
#include "protocols/base/number.hpp"
#include "runtime/machine/journal/journal_openings.hpp"
#include "runtime/machine/journal/journal_rows.hpp"
#include "runtime/machine/journal/journal_schema.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

namespace greenroom::machine {

namespace {

// A page is searched in pieces of this many rows: no read transaction is long (it would delay
// checkpoints), and no request scans the whole journal.
constexpr std::int64_t rows_per_piece = 20'000;
constexpr std::size_t page_most = 1000;
/// Estimated size of an item without its output.
constexpr std::uint64_t row_bytes = 512;

/// A snapshot for several statements.
class read_transaction {
public:
  explicit read_transaction(sqlite_connection& db) : db_{db} { db_.run("BEGIN"); }
  ~read_transaction() { sqlite3_exec(db_.get(), "COMMIT", nullptr, nullptr, nullptr); }
  read_transaction(const read_transaction&) = delete;
  read_transaction& operator=(const read_transaction&) = delete;

private:
  sqlite_connection& db_;
};

std::string condition_of(std::optional<protocols::task_state> state) {
  if (!state) return {};
  switch (*state) {
    case protocols::task_state::queued: return R"( AND "end".row IS NULL AND start.row IS NULL)";
    case protocols::task_state::running:
      return R"( AND "end".row IS NULL AND start.row IS NOT NULL)";
    default: return " AND \"end\".state = " + std::to_string(static_cast<int>(*state));
  }
}

class sqlite_reader final : public journal_reader, journal_openings::guest {
public:
  explicit sqlite_reader(const journal_options& options)
      : path_{options.path}, on_damage_{options.on_damage}, others_{journal_openings::of(path_)} {
    // The files are not replaced between open and registration.
    const auto held = others_->use();
    open();
    others_->enter(*this);
  }
  ~sqlite_reader() override {
    // Nor while the connection closes, since `leave` is no longer called then.
    const auto held = others_->use();
    others_->exit(*this);
    leave();
  }
  sqlite_reader(const sqlite_reader&) = delete;
  sqlite_reader& operator=(const sqlite_reader&) = delete;

  // Called when the writer replaces the files; no call is running.
  void leave() noexcept final {
    find_.reset();
    db_.reset();
  }

  base::expected<std::optional<stored_task>> find(const protocols::task_id& id) override {
    return as_result<std::optional<stored_task>>([&]() -> std::optional<stored_task> {
      const auto held = use();
      auto& query = find_->bind(1, signed_of(id.epoch)).bind(2, signed_of(id.number));
      const reset_at_exit reset{query};
      if (!query.step()) return std::nullopt;
      return checked(read_task(query, summed_from_));
    });
  }

  base::expected<task_page> list(const task_query& query) override {
    return as_result<task_page>([&] {
      const auto held = use();
      return page_of(query);
    });
  }

  base::expected<std::vector<event_record>> events(std::string_view kind,
                                                   std::size_t limit) override {
    return as_result<std::vector<event_record>>([&] {
      const auto held = use();
      sqlite_statement rows{
          *db_, kind.empty() ? "SELECT name.text, event.unix_ms, event.json, event.sum"
                               " FROM event CROSS JOIN name ON name.number = event.kind"
                               " ORDER BY event.row DESC LIMIT ?1"
                             : "SELECT name.text, event.unix_ms, event.json, event.sum FROM"
                               " name"
                               " CROSS JOIN event ON event.kind = name.number"
                               " WHERE name.text = ?2 ORDER BY event.row DESC LIMIT ?1"};
      rows.bind(1, static_cast<std::int64_t>(
                       std::min<std::size_t>(limit, std::numeric_limits<std::int32_t>::max())));
      if (!kind.empty()) rows.bind(2, kind);
      std::vector<event_record> events;
      while (rows.step()) {
        // Formats before 3 have no checksums.
        if (!rows.null(3)
            && rows.number(3) != sum_of_event(rows.text(0), rows.number(1), rows.text(2))) {
          tell("an event in the journal is damaged, and was left out");
          continue;
        }
        events.push_back(
            {std::string{rows.text(0)}, read_unix_ms(rows.number(1)), std::string{rows.text(2)}});
      }
      return events;
    });
  }

  base::expected<totals> count() override {
    return as_result<totals>([&] {
      const auto held = use();
      const read_transaction snapshot{*db_};
      totals all;
      all.accepted = unsigned_of(db_->number("SELECT count(*) FROM task"));
      all.ended = unsigned_of(db_->number("SELECT count(*) FROM \"end\""));
      all.unfinished = unsigned_of(
          db_->number("SELECT count(*) FROM task LEFT JOIN \"end\" ON \"end\".row = task.row"
                      " WHERE task.row >= (SELECT oldest_unfinished FROM mark)"
                      " AND \"end\".row IS NULL"));
      return all;
    });
  }

private:
  void open() {
    auto db = std::make_unique<sqlite_connection>(path_, sqlite_connection::mode::read_only);
    db->keep_log_when_closed();
    check_journal_schema(*db);
    db->run("PRAGMA query_only=ON; PRAGMA cache_size=-8192");
    summed_from_ = db->number("SELECT summed_from FROM mark");
    find_ = std::make_unique<sqlite_statement>(
        *db, std::string{"SELECT "} + task_columns + " FROM " + task_tables
                 + " WHERE task.epoch = (SELECT number FROM epoch WHERE epoch = ?)"
                   " AND task.number = ?");
    db_ = std::move(db);
  }

  std::shared_lock<std::shared_mutex> use() {
    auto held = others_->use();
    if (!db_) open();
    return held;
  }

  void tell(const std::string& what) const {
    if (on_damage_) on_damage_({what, {}});
  }
  stored_task checked(stored_task task) const {
    if (task.damaged)
      tell("the journal's record of task " + protocols::to_string(task.accepted.id)
           + " is damaged");
    return task;
  }

  task_page page_of(const task_query& query) {
    const auto limit = std::clamp<std::size_t>(query.limit, 1, page_most);
    auto before = std::numeric_limits<std::int64_t>::max();
    if (!query.cursor.empty()) {
      const auto row = base::parse_number<std::int64_t>(query.cursor);
      if (!row || *row < 0)
        throw std::runtime_error{"the cursor is not one that an earlier page gave"};
      before = *row;
    }
    const bool unfinished = query.state == protocols::task_state::queued
                            || query.state == protocols::task_state::running;
    const auto lowest = db_->number(unfinished ? "SELECT oldest_unfinished FROM mark"
                                               : "SELECT min(row) FROM task");
    before = std::min(before, row_after(db_->number("SELECT max(row) FROM task")));

    sqlite_statement rows{
        *db_, std::string{"SELECT "} + listed_columns + " FROM " + task_tables
                  + " WHERE task.row < ?1 AND task.row >= ?2"
                  + (query.specialist.empty()
                         ? ""
                         : " AND task.specialist = (SELECT number FROM name WHERE text = ?3)")
                  + condition_of(query.state) + " ORDER BY task.row DESC"};
    if (!query.specialist.empty()) rows.bind(3, std::string_view{query.specialist});

    task_page page;
    std::int64_t last = 0;
    std::uint64_t bytes = 0;
    for (int piece = 0; piece < query.pieces_max && before > lowest; ++piece) {
      const auto from = std::max(lowest, before - rows_per_piece);
      rows.bind(1, before).bind(2, from);
      const reset_at_exit reset{rows};
      while (rows.step()) {
        if (page.items.size() == limit || bytes >= query.bytes_max) {
          page.next = std::to_string(last);
          return page;
        }
        last = rows.number(0);
        auto task = read_task(rows, std::numeric_limits<std::int64_t>::max());
        add_output(task, rows, query);
        task = checked(std::move(task));
        // A damaged task's state differs from the row's state.
        if (task.damaged && query.state && task.state != *query.state) continue;
        page.items.push_back(std::move(task));
        const auto& ended = page.items.back().ended;
        bytes += row_bytes + (ended ? ended->output.size() : 0);
      }
      before = from;
    }
    if (before > lowest) page.next = std::to_string(before);
    return page;
  }

  /// Reads only the wanted part of the output through a blob handle, because an output may be
  /// megabytes.
  void add_output(stored_task& task, const sqlite_statement& row, const task_query& query) {
    if (!task.ended) return;
    sqlite3_blob* opened = nullptr;
    const auto code =
        sqlite3_blob_open(db_->get(), "main", "end", "output", row.number(0), 0, &opened);
    const std::unique_ptr<sqlite3_blob, decltype(&sqlite3_blob_close)> output{opened,
                                                                              sqlite3_blob_close};
    if (code != SQLITE_OK) return;  // Pruned just now.
    task.output_bytes = unsigned_of(sqlite3_blob_bytes(output.get()));
    task.output_left_out = task.output_bytes > query.output_bytes_max;
    auto wanted = task.output_bytes;
    if (task.output_left_out)
      wanted = task.ended->why == protocols::failure::none ? 0 : query.error_bytes_max;
    auto& text = task.ended->output;
    text.resize(wanted);
    if (wanted > 0
        && sqlite3_blob_read(output.get(), text.data(), static_cast<int>(wanted), 0) != SQLITE_OK)
      text.clear();
    if (!task.output_left_out && !end_matches(row, listed_end_sum, task.accepted.id, text)) {
      mark_damaged(task);
      return;
    }
    if (!task.output_left_out || text.empty()) return;
    // Do not cut a UTF-8 sequence.
    while (!text.empty() && (static_cast<unsigned char>(text.back()) & 0xc0U) == 0x80U)
      text.pop_back();
    if (!text.empty() && static_cast<unsigned char>(text.back()) >= 0x80U) text.pop_back();
    text += "… [truncated, " + std::to_string(task.output_bytes) + " bytes]";
  }

  std::string path_;
  std::function<void(const journal_damage&)> on_damage_;
  std::shared_ptr<journal_openings> others_;
  std::unique_ptr<sqlite_connection> db_;
  std::unique_ptr<sqlite_statement> find_;
  std::int64_t summed_from_ = 1;
};

}  // namespace

base::expected<std::unique_ptr<journal_reader>> journal_reader::open(
    const journal_options& options) {
  return as_result<std::unique_ptr<journal_reader>>([&]() -> std::unique_ptr<journal_reader> {
    return std::make_unique<sqlite_reader>(options);
  });
}

}  // namespace greenroom::machine
