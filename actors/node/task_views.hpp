// The view of a task, from the live task or from the journal.
#pragma once

#include "actors/state/catalog_store.hpp"
#include "protocols/task.hpp"
#include "protocols/task_view.hpp"
#include "runtime/machine/journal/journal.hpp"

#include <optional>
#include <string>

namespace greenroom::actors {

/// The names of a live task's specialist and department. How long the references are good: see
/// `catalog_reader`.
struct task_names {
  const std::string& specialist;
  const std::string& department;
};
[[nodiscard]] task_names names_of(const catalog_store& catalogs, const protocols::task& job);

enum class with_output : bool { no, yes };
/// Without `with_output::yes` the view has neither `output` nor `output_bytes`.
[[nodiscard]] task_view view_of(const catalog_store& catalogs, const protocols::task& job,
                                with_output how = with_output::yes);
[[nodiscard]] task_view view_of(const machine::stored_task& stored);
/// An open task for the answer that it was accepted; nothing when the task has ended. The task may
/// be live on another thread: only fields that are constant or atomic are read, so that attempts
/// and cold start are left out.
[[nodiscard]] std::optional<task_view> open_view_of(const catalog_store& catalogs,
                                                    const protocols::task& job);
/// The end of a task for a caller, or that the task continues after the next start.
[[nodiscard]] task_view final_view_of(const catalog_store& catalogs, const protocols::task& job);

}  // namespace greenroom::actors
