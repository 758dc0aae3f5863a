#include "config/loader.hpp"

#include "config/check.hpp"
#include "config/compose.hpp"
#include "config/file_text.hpp"
#include "config/reader.hpp"
#include "protocols/base/edit_distance.hpp"

#include <algorithm>
#include <iterator>
#include <set>
#include <system_error>
#include <tuple>
#include <utility>

namespace greenroom::config {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t extends_max = 8;

/// Merges the tree into the file that it extends, recursively.
class composer {
public:
  composer(const load_options& options, std::vector<problem>& problems)
      : options_{options}, problems_{problems} {}

  void compose(tree& whole, const fs::path& folder) {
    const auto* const base_name = whole.find("extends");
    if (!base_name) {
      cut_cast(whole, problems_);
      return;
    }
    if (base_name->is != tree::kind::scalar || base_name->text.empty()) {
      complain(*base_name, "expected the name of a profile, found " + describe_value(*base_name));
      return;
    }
    const auto file = resolve(*base_name, folder);
    if (!file) return;
    std::error_code error;
    auto canonical = fs::weakly_canonical(*file, error);
    if (error) canonical = *file;
    if (under_way_.size() >= extends_max || under_way_.contains(canonical)) {
      complain(*base_name, "extends itself, or too many files");
      return;
    }
    const auto text = read_file(*file);
    if (!text) {
      complain(*base_name, file->string() + ' ' + text.error().text);
      return;
    }
    auto parsed = parse_tree(*text, file->string());
    auto& base = parsed.value;
    if (base.is != tree::kind::map && parsed.problems.empty())
      complain(*base_name, file->string() + " is not a map");
    std::ranges::move(parsed.problems, std::back_inserter(problems_));
    if (base.is != tree::kind::map) return;
    under_way_.insert(canonical);
    compose(base, file->parent_path());
    under_way_.erase(canonical);
    whole.erase("extends");
    for (const char* const key : {"only", "drop"}) {
      if (const auto* const given = whole.find(key)) base.set(key, *given);
      whole.erase(key);
    }
    cut_cast(base, problems_);
    merge(base, std::move(whole), whole_schema());
    whole = std::move(base);
  }

  void note(const fs::path& file) {
    std::error_code error;
    under_way_.insert(fs::weakly_canonical(file, error));
  }

private:
  void complain(const tree& at, std::string message, std::string suggestion = {}) {
    problems_.push_back(problem_at(at.at, "extends", std::move(message), std::move(suggestion)));
  }

  std::optional<fs::path> resolve(const tree& name, const fs::path& folder) {
    const auto& text = name.text;
    if (text.ends_with(".yaml") || text.ends_with(".yml")) return folder / text;
    std::vector<fs::path> folders = options_.profile_dirs;
    if (!folder.empty()) folders.insert(folders.begin(), folder);
    if (auto found = find_profile(text, folders)) return found;
    complain(name, "no profile is called \"" + text + '"',
             std::string{base::nearest_of(text, list_profiles(folders))});
    return std::nullopt;
  }

  const load_options& options_;
  std::vector<problem>& problems_;
  std::set<fs::path> under_way_;
};

/// Merges equal problems at one position: a wrong default affects every specialist.
std::vector<problem> tidy(std::vector<problem> problems) {
  std::vector<problem> unique;
  std::set<std::tuple<std::string, std::size_t, std::size_t, std::string>> seen;
  for (auto& each : problems) {
    if (seen.emplace(each.source, each.line, each.column, each.message).second) {
      unique.push_back(std::move(each));
    }
  }
  std::ranges::stable_sort(unique, [](const problem& a, const problem& b) {
    return std::tie(a.source, a.line, a.column) < std::tie(b.source, b.line, b.column);
  });
  return unique;
}

load_result load(std::string_view text, const std::string& source, const fs::path& file,
                 const load_options& options) {
  auto [whole, problems] = parse_tree(text, source);
  if (whole.is != tree::kind::map) {
    if (problems.empty()) {
      problems.push_back(problem_at(whole.at, {},
                                    whole.is == tree::kind::nothing
                                        ? "is empty"
                                        : "expected a map, found " + describe_value(whole)));
    }
    return problems;
  }
  apply_environment(whole, options.environment, override_pass::cast, problems);
  apply_sets(whole, options.sets, override_pass::cast, problems);
  composer files{options, problems};
  if (!file.empty()) files.note(file);
  files.compose(whole, file.parent_path());
  repeat_cast(whole, problems);
  apply_environment(whole, options.environment, override_pass::values, problems);
  apply_sets(whole, options.sets, override_pass::values, problems);
  places where;
  reading context{options.environment, problems, where};
  if (const auto* const defaults = whole.find("defaults")) read_defaults(*defaults, context);
  fill_defaults(whole);
  for (const char* const key : {"extends", "only", "drop", "cast_size", "defaults"}) {
    whole.erase(key);
  }
  auto value = read_node(whole, context);
  check(value, where, problems);
  if (!problems.empty()) return tidy(std::move(problems));
  std::vector<problem> warnings;
  advise(value, where, warnings);
  return loaded_node{std::move(value), tidy(std::move(warnings))};
}

load_result refuse(std::string source, std::string message, std::string suggestion = {}) {
  return std::vector{
      problem{std::move(source), 0, 0, {}, std::move(message), std::move(suggestion)}};
}

}  // namespace

load_result load_text(std::string_view text, const std::string& source,
                      const load_options& options) {
  return load(text, source, {}, options);
}

load_result load_file(const fs::path& file, const load_options& options) {
  const auto text = read_file(file);
  if (!text) return refuse(file.string(), text.error().text);
  return load(*text, file.string(), file, options);
}

std::optional<fs::path> find_profile(std::string_view name,
                                     std::span<const fs::path> profile_dirs) {
  // A profile name has no slash, so it cannot leave the folders.
  if (!is_name(name) || name.find('/') != std::string_view::npos) return std::nullopt;
  for (const auto& folder : profile_dirs) {
    auto file = folder / (std::string{name} + ".yaml");
    std::error_code error;
    if (fs::is_regular_file(file, error)) return file;
  }
  return std::nullopt;
}

std::vector<std::string> list_profiles(std::span<const fs::path> profile_dirs) {
  std::set<std::string> names;
  for (const auto& folder : profile_dirs) {
    std::error_code error;
    for (fs::directory_iterator at{folder, error}, end; !error && at != end; at.increment(error)) {
      if (at->path().extension() == ".yaml") names.insert(at->path().stem().string());
    }
  }
  return {names.begin(), names.end()};
}

load_result load_profile(std::string_view name, const load_options& options) {
  if (const auto file = find_profile(name, options.profile_dirs)) return load_file(*file, options);
  const auto known = list_profiles(options.profile_dirs);
  std::string message = "no such profile";
  if (known.empty()) {
    message += ", nor any other where profiles are looked for";
  } else {
    message += "; there are ";
    for (const auto& each : known) message += (&each == known.data() ? "" : ", ") + each;
  }
  return refuse("--profile " + std::string{name}, std::move(message),
                std::string{base::nearest_of(name, known)});
}

}  // namespace greenroom::config
