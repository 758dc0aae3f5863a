// Backups over HTTP: made, fetched in pieces, removed.
#include "actors/doors/http_routes.hpp"
#include "actors/node/backups.hpp"
#include "actors/node/parts.hpp"
#include "protocols/base/number.hpp"

#include <chrono>
#include <utility>

namespace greenroom::doors {

namespace {

actors::backups::answer backup_answer(const machine::http::responder& reply,
                                      std::string_view type) {
  return [reply, type](int status, std::string body, std::chrono::milliseconds later) {
    if (status == 200)
      return reply.answer(200, type, std::move(body), "Cache-Control: no-store\r\n");
    answer_problem(reply, protocols::problem_named(status == 404   ? "no-such-backup"
                                                   : status == 409 ? "backup-under-way"
                                                                   : "backup-failed",
                                                   status,
                                                   status == 404   ? "No such backup"
                                                   : status == 409 ? "Backup under way"
                                                                   : "Backup failed",
                                                   std::move(body), later.count()));
  };
}

/// Answers and returns nothing when this node keeps nothing that could be copied.
actors::backups* desk_of(const door_ptr& here, const call& one) {
  auto* desk = here->of->inside().backups.get();
  if (desk == nullptr)
    answer_problem(one.reply, protocols::problem_named("no-journal", 404, "No journal",
                                                       "This node runs without a journal, so there "
                                                       "is nothing to back up."));
  return desk;
}

}  // namespace

void post_backup(const door_ptr& here, call& one) {
  if (auto* desk = desk_of(here, one)) desk->begin(backup_answer(one.reply, json_type));
}

void get_backup_piece(const door_ptr& here, call& one) {
  const auto file = base::parse_number<std::uint64_t>(one.captured[1]);
  const auto offset = base::parse_number<std::uint64_t>(one.parameter("offset").value_or("0"));
  if (!file || !offset)
    return answer_problem(one.reply,
                          protocols::problem_of(protocols::failure::malformed,
                                                "The file is its place in the manifest, from 0, "
                                                "and offset a number of bytes."));
  if (auto* desk = desk_of(here, one))
    desk->piece(one.captured[0], *file, *offset,
                backup_answer(one.reply, "application/octet-stream"));
}

void delete_backup(const door_ptr& here, call& one) {
  if (auto* desk = desk_of(here, one))
    desk->end(one.captured.front(), backup_answer(one.reply, json_type));
}

}  // namespace greenroom::doors
