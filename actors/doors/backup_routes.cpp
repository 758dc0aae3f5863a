// Backups over HTTP: made, fetched in pieces, removed.
#include "actors/doors/answers.hpp"
#include "actors/doors/route_handlers.hpp"
#include "actors/node/backups.hpp"
#include "protocols/base/number.hpp"

#include <utility>

namespace greenroom::doors {

namespace {

using actors::backup_problem;

protocols::problem problem_of(const backup_problem& why) {
  using kind = backup_problem::kind;
  const auto named = [&](const char* name, int status, const char* title) {
    return protocols::problem_named(name, status, title, why.text, why.retry_after.count());
  };
  switch (why.why) {
    case kind::no_such_backup: return named("no-such-backup", 404, "No such backup");
    case kind::under_way: return named("backup-under-way", 409, "Backup under way");
    case kind::failed: break;
  }
  return named("backup-failed", 503, "Backup failed");
}

actors::backups::answer answer_with(const machine::http::responder& reply, std::string_view type) {
  return [reply, type](base::expected<std::string, backup_problem> made) {
    if (!made) return answer_problem(reply, problem_of(made.error()));
    reply.answer(200, type, *std::move(made), "Cache-Control: no-store\r\n");
  };
}

/// The node's backups; null, and the call answered, when the node has no journal.
actors::backups* backups_of(const door_ptr& door, const route_call& call) {
  auto* const backups = door->parts().backups.get();
  if (backups == nullptr)
    answer_problem(call.reply, protocols::problem_named("no-journal", 404, "No journal",
                                                        "This node runs without a journal, so "
                                                        "there is nothing to back up."));
  return backups;
}

}  // namespace

void post_backup(const door_ptr& door, route_call& call) {
  if (auto* const backups = backups_of(door, call))
    backups->create(answer_with(call.reply, json_type));
}

void get_backup_piece(const door_ptr& door, route_call& call) {
  const auto file = base::parse_number<std::uint64_t>(call.captured[1]);
  const auto offset = base::parse_number<std::uint64_t>(call.parameter("offset").value_or("0"));
  if (!file || !offset)
    return answer(call.reply, malformed("The file is its position in the manifest, from 0, and "
                                        "offset a number of bytes."));
  if (auto* const backups = backups_of(door, call))
    backups->read_chunk(call.captured[0], *file, *offset,
                        answer_with(call.reply, "application/octet-stream"));
}

void delete_backup(const door_ptr& door, route_call& call) {
  if (auto* const backups = backups_of(door, call))
    backups->remove(call.captured.front(), answer_with(call.reply, json_type));
}

}  // namespace greenroom::doors
