// The prepared statements of the journal's writer.
#pragma once

#include "runtime/machine/journal/journal_rows.hpp"
#include "runtime/machine/journal/journal_writer.hpp"
#include "runtime/machine/journal/sqlite.hpp"

#include <string>

namespace greenroom::machine {

struct journal_writer::statements {
  explicit statements(sqlite_connection& db)
      : begin{db, "BEGIN IMMEDIATE"},
        commit{db, "COMMIT"},
        accept{db,
               "INSERT INTO task (row, epoch, number, specialist, department, urgency, effects,"
               " accepted_ms, deadline_ms, request_hash, key, input, case_id, sum)"
               " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (epoch, number) DO "
               "NOTHING"},
        by_key{db,
               "SELECT epoch.epoch, task.number, task.request_hash, task.row FROM task"
               " CROSS JOIN epoch ON epoch.number = task.epoch WHERE task.key = ?"},
        start{db, "INSERT OR REPLACE INTO start (row, attempts, sum) VALUES (?, ?, ?)"},
        started_no_more{db, "DELETE FROM start WHERE row = ?"},
        end{db,
            "INSERT INTO \"end\" (row, state, why, cold_start, attempts, pool, ended_ms, queue_us,"
            " start_us, run_us, total_us, output, sum)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"},
        set_state{db, "INSERT OR REPLACE INTO state (name, value, sum) VALUES (?, ?, ?)"},
        drop_state{db, "DELETE FROM state WHERE name = ?"},
        get_state{db, "SELECT value, sum FROM state WHERE name = ?"},
        event{db, "INSERT INTO event (kind, unix_ms, json, sum) VALUES (?, ?, ?, ?)"},
        name{db, "INSERT INTO name (text) VALUES (?)"},
        epoch{db, "INSERT INTO epoch (epoch) VALUES (?)"},
        mark{db, "UPDATE mark SET oldest_unfinished = ?"},
        unfinished{db, std::string{"SELECT "} + task_columns + " FROM " + task_tables
                           + R"( WHERE task.row >= ? AND "end".row IS NULL ORDER BY task.row)"},
        oldest_tasks{db,
                     "SELECT task.row, task.accepted_ms, \"end\".ended_ms FROM task"
                     " LEFT JOIN \"end\" ON \"end\".row = task.row ORDER BY task.row"},
        oldest_events{db, "SELECT row, unix_ms FROM event ORDER BY row"},
        drop_task{db, "DELETE FROM task WHERE row = ?"},
        drop_end{db, "DELETE FROM \"end\" WHERE row = ?"},
        drop_event{db, "DELETE FROM event WHERE row = ?"} {}

  sqlite_statement begin, commit, accept, by_key, start, started_no_more, end, set_state,
      drop_state, get_state, event, name, epoch, mark, unfinished, oldest_tasks, oldest_events,
      drop_task, drop_end, drop_event;
};

}  // namespace greenroom::machine
