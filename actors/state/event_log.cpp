#include "actors/state/event_log.hpp"

#include "actors/state/text.hpp"
#include "protocols/base/json_text.hpp"
#include "protocols/plain_text.hpp"

#include <algorithm>

namespace greenroom::actors {

std::size_t event_log::weight_of(const event& one) {
  constexpr std::size_t overhead = sizeof(event) + 64;  // Of the allocations.
  return overhead + one.kind.capacity() + one.json.capacity();
}

void event_log::keep(std::uint64_t bytes_max) {
  const std::lock_guard lock{mutex_};
  bytes_max_ = bytes_max;
  drop_old();
}

void event_log::drop_old() {
  while (events_.size() > kept || (events_.size() > 1 && bytes_ > bytes_max_)) {
    bytes_ -= weight_of(*events_.front());
    events_.pop_front();
  }
}

void event_log::publish(std::string kind, std::string json) {
  if (json.size() > text_bytes_max) json = shortened_event(json, text_bytes_max);
  json.shrink_to_fit();
  std::vector<std::shared_ptr<listener>> hearers;
  auto fresh = std::make_shared<event>();
  fresh->unix_ms = clock_.unix_ms();
  fresh->kind = std::move(kind);
  fresh->json = std::move(json);
  {
    const std::lock_guard lock{mutex_};
    fresh->number = ++last_;
    events_.push_back(fresh);
    bytes_ += weight_of(*fresh);
    drop_old();
    for (auto at = listeners_.begin(); at != listeners_.end();) {
      auto one = at->lock();
      if (!one) {
        at = listeners_.erase(at);
        continue;
      }
      hearers.push_back(std::move(one));
      ++at;
    }
  }
  bool failed = false;
  for (const auto& one : hearers) failed = !heard(*one, *fresh) || failed;
  // Said once, to those who listen; whoever throws at that too is not told so.
  if (failed && fresh->kind != "callback.failed")
    publish("callback.failed", json_object{{"callback", "on_event"}});
}

event_range event_log::after(std::uint64_t number, std::size_t bytes_max) const {
  const std::lock_guard lock{mutex_};
  event_range result;
  // Numbers are consecutive, so the first one that is wanted is found at once.
  const auto first = events_.empty() ? 0 : events_.front()->number;
  std::size_t bytes = 0;
  for (auto at = number < first ? 0 : number - first + 1; at < events_.size(); ++at) {
    const auto& one = events_[at];
    bytes += weight_of(*one);
    if (bytes > bytes_max && !result.empty()) break;
    result.add(one);
  }
  return result;
}

std::pair<std::uint64_t, std::uint64_t> event_log::kept_numbers() const {
  const std::lock_guard lock{mutex_};
  if (events_.empty()) return {0, 0};
  return {events_.front()->number, events_.back()->number};
}

std::shared_ptr<void> event_log::subscribe(std::function<void(const event&)> hear) {
  auto mine = std::make_shared<listener>();
  mine->hear = std::move(hear);
  const std::lock_guard lock{mutex_};
  listeners_.push_back(mine);
  return mine;
}

namespace {

// `whole_letters` of a JSON string without its quotes: not within an escape either.
std::string_view whole_escapes(std::string_view raw, std::size_t most) {
  std::size_t end = 0;
  while (end < raw.size()) {
    const auto width = raw[end] != '\\'                              ? 1U
                       : end + 1 < raw.size() && raw[end + 1] == 'u' ? 6U
                                                                     : 2U;
    if (end + width > most) break;
    end += width;
  }
  return protocols::whole_letters(raw, std::min(end, raw.size()));
}

}  // namespace

std::string shortened_event(std::string_view json, std::size_t most) {
  constexpr std::string_view mark = ",\"truncated\":true}";
  constexpr std::string_view cut = "…";
  // Members that are this short stay as they are; they are what programs read.
  constexpr std::size_t short_member = 512;
  std::size_t all = 0;
  std::size_t long_members = 0;
  const bool object = base::each_member(json, [&](std::string_view key, std::string_view of) {
    all += key.size() + 4;
    if (of.size() <= short_member)
      all += of.size();
    else
      ++long_members;
  });
  if (!object || all + mark.size() + long_members * short_member > most) {
    const auto begin = protocols::whole_letters(json, most / 8);
    return "{\"text\":" + base::json_string(std::string{begin} + std::string{cut})
           + ",\"truncated\":true}";
  }
  const auto share =
      long_members == 0 ? 0 : (most - all - mark.size()) / long_members - cut.size() - 2;
  std::string result = "{";
  static_cast<void>(base::each_member(json, [&](std::string_view key, std::string_view of) {
    if (result.size() > 1) result += ',';
    result.append("\"").append(key).append("\":");
    if (of.size() <= short_member || of.size() <= share) {
      result += of;
    } else if (of.front() == '"') {
      result.append("\"").append(whole_escapes(of.substr(1, of.size() - 2), share));
      result.append(cut).append("\"");
    } else {
      result += "null";
    }
  }));
  return result.append(mark);
}

}  // namespace greenroom::actors
