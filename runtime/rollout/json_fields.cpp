#include "runtime/rollout/json_fields.hpp"

#include <cmath>
#include <cstdint>
#include <iterator>
#include <map>
#include <utility>

#include "protocols/base/json_text.hpp"
#include "protocols/base/number.hpp"

namespace greenroom::runtime::rollout {

namespace {

constexpr int depth_max = 65;  // The root is the first level.

/// Notes each leaf under its path.
class leaf_notes {
public:
  explicit leaf_notes(std::size_t fields_max) : fields_max_{fields_max} {}

  [[nodiscard]] bool too_many() const { return too_many_; }
  std::map<std::string, std::string> take() { return std::move(leaves_); }

  void begin_object() { open(false); }
  void begin_array() { open(true); }
  void end_object(std::uint32_t members) { close(members == 0, "{}"); }
  void end_array(std::uint32_t elements) { close(elements == 0, "[]"); }
  void key(std::string_view raw) {
    path_.resize(levels_.back().path_size);
    if (!path_.empty()) path_ += '.';
    path_ += base::unescape(raw, room_);
    forget();
  }
  void string(std::string_view raw) { leaf('"' + std::string{base::unescape(raw, room_)} + '"'); }
  void literal(char first) { leaf(first == 't' ? "true" : first == 'f' ? "false" : "null"); }
  void number(std::string_view raw, bool) {
    const auto value = base::parse_number<double>(raw);
    // 1, 1.0 and 1e0 are one number; integers too large for a double stay as they are written.
    const bool exact = value && std::abs(*value) < 9007199254740992.0;
    leaf(exact ? base::exact_text(*value) : std::string{raw});
  }

private:
  struct level {
    std::size_t path_size;
    bool array;
    std::size_t next = 0;  ///< Of an array, the index of the element to come.
  };

  /// An element of an array has its index as the end of its path.
  void begin_value() {
    if (levels_.empty() || !levels_.back().array) return;
    path_.resize(levels_.back().path_size);
    path_ += '[' + std::to_string(levels_.back().next++) + ']';
  }

  void open(bool array) {
    begin_value();
    levels_.push_back({path_.size(), array});
  }

  void close(bool empty, const char* text) {
    path_.resize(levels_.back().path_size);
    levels_.pop_back();
    if (empty) note(text);
  }

  void leaf(std::string text) {
    begin_value();
    note(std::move(text));
  }

  void note(std::string text) {
    if (too_many_) return;
    leaves_[path_] = std::move(text);
    too_many_ = leaves_.size() > fields_max_;
  }

  /// The last of equal keys counts, whatever the earlier one held.
  void forget() {
    for (auto at = leaves_.lower_bound(path_);
         at != leaves_.end() && at->first.starts_with(path_);) {
      const bool same = at->first.size() == path_.size() || at->first[path_.size()] == '.'
                        || at->first[path_.size()] == '[';
      at = same ? leaves_.erase(at) : std::next(at);
    }
  }

  std::size_t fields_max_;
  std::map<std::string, std::string> leaves_;
  std::vector<level> levels_;
  std::string path_, room_;
  bool too_many_ = false;
};

}  // namespace

base::expected<std::vector<json_field>> json_fields(std::string_view text, std::size_t fields_max) {
  const base::problem no_json{"json", "is not one complete JSON value"};
  leaf_notes notes{fields_max};
  base::json_scanner<leaf_notes> scan{text, notes};
  scan.skip_space();
  if (!scan.value(depth_max)) return no_json;
  if (notes.too_many()) return base::problem{"size", "has more fields than are compared"};
  scan.skip_space();
  if (!scan.at_end()) return no_json;
  std::vector<json_field> out;
  for (auto& [path, value] : notes.take()) out.push_back({path, std::move(value)});
  return out;
}

}  // namespace greenroom::runtime::rollout
