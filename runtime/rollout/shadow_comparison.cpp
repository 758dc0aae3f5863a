#include "runtime/rollout/shadow_comparison.hpp"

#include <algorithm>
#include <utility>

#include "runtime/rollout/exact_tests.hpp"
#include "runtime/rollout/json_fields.hpp"
#include "runtime/rollout/routing.hpp"

namespace greenroom::runtime::rollout {

namespace {

constexpr std::string_view other_fields = "(other)";
constexpr std::string_view absent = "(absent)";
/// Diffy's relative threshold: differences within a fifth of the noise are noise.
constexpr double noise_margin = 0.20;

std::string without_indices(std::string_view path) {
  std::string out;
  bool inside = false;
  for (const char each : path) {
    if (each == ']') inside = false;
    if (!inside) out += each;
    if (each == '[') inside = true;
  }
  return out;
}

std::string shortened(std::string text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  text.resize(bytes_max);
  return text + "…";
}

/// Equal values needed before a field can be said to name its process.
constexpr std::uint64_t same_least = 5;
constexpr int json_in_text_depth_max = 4;

/// The first name of a path; `path` keeps the rest: `a.b` has `a` and `b`, `items[].id` has
/// `items`, `[]` and `id`.
std::string_view first_name(std::string_view& path) {
  if (path.starts_with('.')) path.remove_prefix(1);
  std::size_t size = 0;
  if (path.starts_with('[')) {
    size = std::min(path.find(']'), path.size() - 1) + 1;
  } else {
    size = std::min(path.find_first_of(".["), path.size());
  }
  const auto name = path.substr(0, size);
  path.remove_prefix(size);
  return name;
}

/// A string that contains JSON, as in MCP tool results; otherwise nothing.
std::optional<std::string_view> json_in_text(std::string_view value) {
  if (value.size() < 4 || !value.starts_with('"') || !value.ends_with('"')) return std::nullopt;
  const auto text = value.substr(1, value.size() - 2);
  const auto at = text.find_first_not_of(" \t\r\n");
  if (at == text.npos || (text[at] != '{' && text[at] != '[')) return std::nullopt;
  return text;
}

double share(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace

std::string_view name_of(shadow_drop what) {
  switch (what) {
    case shadow_drop::queue_full: return "queue_full";
    case shadow_drop::unsafe: return "unsafe";
    case shadow_drop::intelligent_busy: return "intelligent_busy";
    case shadow_drop::baseline_busy: return "baseline_busy";
    case shadow_drop::comparison_late: return "comparison_late";
  }
  return "queue_full";
}

bool ignored_field(std::string_view pattern, std::string_view field) {
  while (!pattern.empty()) {
    const auto wanted = first_name(pattern);
    if (wanted == "**") {
      for (auto rest = field;;) {
        if (ignored_field(pattern, rest)) return true;
        if (rest.empty()) return false;
        first_name(rest);
      }
    }
    if (field.empty()) return false;
    const auto name = first_name(field);
    const bool any_item = wanted == "[*]" || wanted == "[]";
    if (any_item ? !name.starts_with('[') : wanted != "*" && wanted != name) return false;
  }
  return true;
}

namespace {

std::vector<output_difference> compare_texts(std::string_view left, std::string_view right,
                                             int depth) {
  std::vector<output_difference> out;
  if (left == right) return out;
  const auto ours = json_fields(left);
  const auto theirs = json_fields(right);
  if (!ours || !theirs) {
    out.push_back({"", std::string(left), std::string(right)});
    return out;
  }
  const auto note = [&out, depth](const std::string& path, std::string_view one,
                                  std::string_view two) {
    auto field = without_indices(path);
    const auto ours_within = depth > 0 ? json_in_text(one) : std::nullopt;
    const auto theirs_within = depth > 0 ? json_in_text(two) : std::nullopt;
    if (ours_within && theirs_within && json_fields(*ours_within) && json_fields(*theirs_within)) {
      for (auto& each : compare_texts(*ours_within, *theirs_within, depth - 1)) {
        if (!each.field.empty() && !each.field.starts_with('[') && !field.empty())
          each.field.insert(0, 1, '.');
        each.field.insert(0, field);
        const bool there = std::any_of(
            out.begin(), out.end(), [&](const auto& known) { return known.field == each.field; });
        if (!there) out.push_back(std::move(each));
      }
      return;
    }
    const bool known =
        std::any_of(out.begin(), out.end(), [&](const auto& each) { return each.field == field; });
    if (!known) out.push_back({std::move(field), std::string(one), std::string(two)});
  };
  auto a = ours->begin();
  auto b = theirs->begin();
  while (a != ours->end() || b != theirs->end()) {
    if (b == theirs->end() || (a != ours->end() && a->path < b->path)) {
      note(a->path, a->value, absent);
      ++a;
    } else if (a == ours->end() || b->path < a->path) {
      note(b->path, absent, b->value);
      ++b;
    } else {
      if (a->value != b->value) note(a->path, a->value, b->value);
      ++a;
      ++b;
    }
  }
  return out;
}

}  // namespace

std::vector<output_difference> compare_outputs(std::string_view left, std::string_view right) {
  return compare_texts(left, right, json_in_text_depth_max);
}

shadow_comparison::shadow_comparison(shadow_settings settings) : settings_(std::move(settings)) {}

std::vector<output_difference> shadow_comparison::compared(std::string_view left,
                                                           std::string_view right) const {
  auto out = compare_outputs(left, right);
  std::erase_if(out, [this](const output_difference& each) {
    return std::any_of(
        settings_.ignore.begin(), settings_.ignore.end(),
        [&each](const std::string& pattern) { return ignored_field(pattern, each.field); });
  });
  return out;
}

void shadow_comparison::follow_value(counts& of, std::string_view value, std::uint64_t life) {
  if (life == shadow_task::unknown_life) return;
  const auto hash = routing_key(value, {}, {});
  if (of.same == 0) {
    of.life = life;
  } else if (of.life != life) {
    // Too few values before the restart are no evidence, so another restart is needed.
    if (of.same >= same_least) {
      if (of.constant && of.value_hash != hash) of.names_instance = true;
      of.restarted = true;
    }
    of.life = life;
    of.same = 0;
  } else if (of.value_hash != hash) {
    of.constant = false;
  }
  of.value_hash = hash;
  ++of.same;
}

bool shadow_comparison::admit(bool unsafe) {
  if (unsafe) {
    ++drops_[static_cast<std::size_t>(shadow_drop::unsafe)];
    return false;
  }
  if (in_flight_ >= settings_.copies_max) {
    ++drops_[static_cast<std::size_t>(shadow_drop::queue_full)];
    return false;
  }
  ++in_flight_;
  ++mirrored_;
  return true;
}

void shadow_comparison::drop(shadow_drop why) {
  if (in_flight_ > 0) --in_flight_;
  ++drops_[static_cast<std::size_t>(why)];
}

bool shadow_comparison::wants_noise(std::string_view specialist, std::uint64_t key) const {
  const auto found = specialists_.find(specialist);
  if (found == specialists_.end() || found->second.noise_compared < settings_.noise_first) {
    return true;
  }
  // A different salt than the routing's: the share must not fall into one pool only.
  return routing{0x6e6f697365}.position_of(key) < settings_.noise_share;
}

shadow_comparison::counts* shadow_comparison::field_of(per_specialist& of,
                                                       const std::string& field) {
  const auto found = of.fields.find(field);
  if (found != of.fields.end()) return &found->second;
  if (of.fields.size() >= settings_.fields_max) return &of.fields[std::string(other_fields)];
  return &of.fields[field];
}

void shadow_comparison::record(const shadow_task& task) {
  if (in_flight_ > 0) --in_flight_;
  baseline_.add(task.baseline.took_ms, task.baseline.kind == reply_kind::failed);
  intelligent_.add(task.intelligent.took_ms, task.intelligent.kind == reply_kind::failed);
  if (task.baseline.kind == reply_kind::failed || task.intelligent.kind == reply_kind::failed) {
    return;
  }
  ++compared_;
  if (task.baseline.kind != task.intelligent.kind) {
    ++refused_by_one_;
    return;
  }
  auto found = specialists_.find(task.specialist);
  if (found == specialists_.end()) {
    if (specialists_.size() >= settings_.specialists_max) return;
    found = specialists_.emplace(task.specialist, per_specialist{}).first;
  }
  auto& of = found->second;
  ++of.compared;
  for (auto& each : compared(task.baseline.output, task.intelligent.output)) {
    auto* field = field_of(of, each.field);
    ++field->differing;
    follow_value(*field, each.left, task.baseline_life);
    // Only the first few per field, so that noisy fields leave room for the others.
    if (field->examples >= settings_.examples_of_field
        || examples_.size() >= settings_.examples_max) {
      continue;
    }
    ++field->examples;
    examples_.push_back({task.specialist, std::move(each.field),
                         shortened(std::move(each.left), settings_.example_bytes),
                         shortened(std::move(each.right), settings_.example_bytes)});
  }
  if (!task.again || task.again->kind != reply_kind::answered) return;
  ++of.noise_compared;
  for (const auto& each : compared(task.baseline.output, task.again->output)) {
    ++field_of(of, each.field)->noise_differing;
  }
}

bool shadow_comparison::certain(const per_specialist& of, const counts& each) const {
  if (each.differing == 0 || each.names_instance) return false;
  const double here = share(each.differing, of.compared);
  const double noise = share(each.noise_differing, of.noise_compared);
  if (here <= noise * (1 + noise_margin)) return false;
  // A field in which the baseline never differed from itself in enough tasks has no noise.
  if (each.noise_differing == 0 && of.noise_compared >= settings_.noise_first) return true;
  return fisher_greater(each.differing, of.compared, each.noise_differing, of.noise_compared)
         <= settings_.alpha;
}

std::vector<field_difference> shadow_comparison::differences() const {
  std::vector<field_difference> out;
  for (const auto& [specialist, of] : specialists_) {
    for (const auto& [field, each] : of.fields) {
      if (each.differing == 0) continue;
      out.push_back({specialist, field, of.compared, each.differing, of.noise_compared,
                     each.noise_differing, certain(of, each), each.names_instance});
    }
  }
  std::stable_sort(out.begin(), out.end(), [](const auto& a, const auto& b) {
    if (a.certain != b.certain) return a.certain;
    return a.differing > b.differing;
  });
  return out;
}

std::vector<std::string> shadow_comparison::instance_suspects() const {
  std::vector<std::string> out;
  for (const auto& [specialist, of] : specialists_) {
    const bool suspect = std::any_of(of.fields.begin(), of.fields.end(), [&](const auto& named) {
      const counts& each = named.second;
      return each.constant && !each.restarted && each.same >= same_least && certain(of, each);
    });
    if (suspect) out.push_back(specialist);
  }
  return out;
}

std::uint64_t shadow_comparison::commands_differing() const {
  auto total = refused_by_one_;
  for (const auto& [specialist, of] : specialists_) {
    std::uint64_t most = 0;
    for (const auto& [field, each] : of.fields) {
      if (certain(of, each)) most = std::max(most, each.differing);
    }
    total += most;
  }
  return total;
}

shadow_summary shadow_comparison::summary() const {
  shadow_summary out;
  out.mirrored = mirrored_;
  for (const auto each : drops_) out.dropped += each;
  out.compared = compared_;
  out.refused_by_one = refused_by_one_;
  out.really_differing = commands_differing();
  out.baseline = baseline_;
  out.intelligent = intelligent_;
  const auto base = baseline_.latency_ms.mean();
  const auto here = intelligent_.latency_ms.mean();
  if (base && here && *base > 0) out.response_ratio = *here / *base;
  if (baseline_.tasks > 0 && intelligent_.tasks > 0) {
    out.error_difference = intelligent_.error_rate() - baseline_.error_rate();
  }
  return out;
}

}  // namespace greenroom::runtime::rollout
