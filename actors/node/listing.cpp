// Lists of tasks, live and stored, a bounded piece of work at a time.
#include "actors/node/parts.hpp"
#include "actors/node/task_views.hpp"
#include "actors/state/event_log.hpp"
#include "protocols/plain_text.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace greenroom {

namespace {

/// An output of more than this share of a page is left out of lists.
constexpr std::uint64_t outputs_per_page = 16;
/// The part of an error message that lists show.
constexpr std::size_t listed_error_bytes = 1024;
/// The size of an item without its output.
constexpr std::uint64_t item_bytes = 512;
/// A list whose filter matches few tasks ends after so many pieces of the journal.
constexpr int listed_pieces_max = 25;

}  // namespace

/// One list under way.
class node::parts::listing {
public:
  listing(const parts& in, query which)
      : in_{in},
        which_{std::move(which)},
        bytes_max_{in.state->catalogs.now().config.limits.page_bytes} {}

  /// Does a piece of the work; false when the list is complete, or refused.
  [[nodiscard]] bool step() {
    if (!begun_) {
      begun_ = true;
      return live_ones() && in_.scan_reader != nullptr;
    }
    return stored_ones();
  }

  [[nodiscard]] base::expected<page, refusal> result() {
    if (refused_.why != protocols::failure::none) return std::move(refused_);
    return std::move(page_);
  }

private:
  [[nodiscard]] std::uint64_t output_max() const { return bytes_max_ / outputs_per_page; }
  [[nodiscard]] bool is_full() const {
    return page_.items.size() >= which_.limit || bytes_ >= bytes_max_;
  }
  void add(task_view view) {
    bytes_ += item_bytes + view.output.size();
    page_.items.push_back(std::move(view));
  }

  /// Live tasks that are not in the journal come first, in the order of their ids; the cursor
  /// `live-ID` continues after the task ID. True when stored tasks follow on this page.
  bool live_ones() {
    constexpr std::string_view live = "live-";
    const bool among_live = which_.cursor.starts_with(live);
    if (!which_.cursor.empty() && !among_live) {
      cursor_ = which_.cursor;
      return true;
    }
    const auto after = among_live ? which_.cursor.substr(live.size()) : std::string{};
    if (among_live && !protocols::parse_task_id(after)) {
      refused_ = {
          protocols::failure::malformed, "the cursor is not one that an earlier page gave", {}, {}};
      return false;
    }
    std::map<std::string, protocols::task_ptr> ordered;
    in_.state->ledger.for_each([&](const protocols::task_ptr& job) {
      if (job->journaled && in_.scan_reader) return;
      if (which_.state && job->state.load() != *which_.state) return;
      if (!which_.specialist.empty()
          && actors::names_of(in_.state->catalogs, *job).specialist != which_.specialist)
        return;
      auto id = protocols::to_string(job->id);
      if (id > after) ordered.emplace(std::move(id), job);
      // One more than the page has, to know whether there is another page.
      if (ordered.size() > which_.limit + 1) ordered.erase(std::prev(ordered.end()));
    });
    std::size_t listed = 0;
    for (const auto& [id, job] : ordered) {
      if (is_full()) break;
      ++listed;
      add(view_without_long_output(*job));
    }
    // Stored tasks then begin a page of their own.
    if (is_full() && (ordered.size() > listed || in_.scan_reader)) {
      page_.next = std::string{live} + protocols::to_string(page_.items.back().id);
      return false;
    }
    return true;
  }

  [[nodiscard]] task_view view_without_long_output(const protocols::task& job) const {
    const auto& catalogs = in_.state->catalogs;
    const auto length = job.ended() ? job.output.size() : 0;
    if (length <= output_max()) return actors::view_of(catalogs, job);
    auto view = actors::view_of(catalogs, job, actors::with_output::no);
    view.output_bytes = length;
    view.output_left_out = true;
    if (view.why != protocols::failure::none)
      view.output = protocols::clipped(job.output, listed_error_bytes);
    return view;
  }

  bool stored_ones() {
    machine::task_query stored;
    stored.specialist = which_.specialist;
    stored.limit = which_.limit - page_.items.size();
    stored.cursor = cursor_;
    stored.pieces_max = 1;
    stored.bytes_max = bytes_max_ - std::min(bytes_, bytes_max_);
    stored.output_bytes_max = output_max();
    stored.error_bytes_max = listed_error_bytes;
    // The node knows which unfinished tasks are running; the journal does not.
    const bool live_state = which_.state == protocols::task_state::running
                            || which_.state == protocols::task_state::queued;
    if (!live_state) stored.state = which_.state;
    auto piece = [&]() -> std::optional<base::expected<machine::task_page>> {
      const std::lock_guard lock{in_.scan_mutex};
      if (!in_.scan_reader) return std::nullopt;  // The node goes down.
      return in_.scan_reader->list(stored);
    }();
    if (!piece) return false;
    auto& found = *piece;
    if (!found) {
      refused_ = {protocols::failure::malformed, found.error().text, {}, {}};
      return false;
    }
    auto& rows = *found;
    for (auto& one : rows.items) {
      auto view = actors::view_of(one);
      if (!one.ended)
        if (const auto job = in_.find_live(one.accepted.id)) view.state = job->state.load();
      if (which_.state && view.state != *which_.state) continue;
      add(std::move(view));
    }
    cursor_ = rows.next;
    page_.next = rows.next;
    return !cursor_.empty() && !is_full() && ++pieces_ < listed_pieces_max;
  }

  const parts& in_;
  const query which_;
  const std::uint64_t bytes_max_;
  page page_;
  refusal refused_;
  std::string cursor_;  ///< Where the journal's part continues.
  std::uint64_t bytes_ = 0;
  int pieces_ = 0;
  bool begun_ = false;
};

base::expected<node::page, refusal> node::list(const query& which) const {
  const actors::catalog_reader::scope reading;
  parts::listing one{*parts_, which};
  while (one.step()) {
  }
  return one.result();
}

bool node::parts::list_aside(query which,
                             std::function<void(base::expected<page, refusal>)> done) const {
  const actors::catalog_reader::scope reading;
  auto one = std::make_shared<listing>(*this, std::move(which));
  return lookups.run_in_pieces(
      [one, done = std::move(done)] {
        if (one->step()) return true;
        done(one->result());
        return false;
      },
      state->catalogs.now().config.limits.state_requests);
}

bool node::parts::run_aside(std::function<void()> job) const {
  const actors::catalog_reader::scope reading;
  return lookups.run(std::move(job), state->catalogs.now().config.limits.state_requests);
}

std::chrono::milliseconds node::parts::aside_wait() const {
  return std::max(lookups.backlog(), std::chrono::milliseconds{100});
}

}  // namespace greenroom
