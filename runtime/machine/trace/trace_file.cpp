#include "runtime/machine/trace/trace_file.hpp"

#include "protocols/base/hash.hpp"
#include "protocols/base/number.hpp"
#include "protocols/base/text_hash.hpp"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace greenroom::machine {
namespace {

struct closer {
  void operator()(gzFile file) const { gzclose(file); }
};
using gz_handle = std::unique_ptr<gzFile_s, closer>;

// A longer line means that the file is not a trace.
constexpr std::size_t line_max = std::size_t{1} << 20;

/// Reads lines of a plain or gzip file: zlib reads both.
class line_reader {
public:
  explicit line_reader(gzFile file) : file_(file), buffer_(std::size_t{1} << 18) {}

  /// Returns the next line without its end, or nothing at the end of the file or on an error.
  std::optional<std::string_view> next() {
    for (;;) {
      const void* found = std::memchr(buffer_.data() + begin_, '\n', end_ - begin_);
      if (found != nullptr) {
        const auto at = static_cast<std::size_t>(static_cast<const char*>(found) - buffer_.data());
        return take(at, at + 1);
      }
      if (exhausted_) {
        if (begin_ == end_) return std::nullopt;
        return take(end_, end_);
      }
      if (!fill()) return std::nullopt;
    }
  }

  const std::string& error() const { return error_; }
  std::size_t line() const { return line_; }

private:
  std::string_view take(std::size_t end, std::size_t next) {
    std::string_view text(buffer_.data() + begin_, end - begin_);
    begin_ = next;
    ++line_;
    if (!text.empty() && text.back() == '\r') text.remove_suffix(1);
    return text;
  }

  bool fill() {
    if (begin_ > 0) {
      std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
      end_ -= begin_;
      begin_ = 0;
    }
    if (end_ == buffer_.size()) {
      if (buffer_.size() >= line_max) {
        ++line_;
        error_ = "a line is longer than 1 MiB";
        return false;
      }
      buffer_.resize(buffer_.size() * 2);
    }
    const int got =
        gzread(file_, buffer_.data() + end_, static_cast<unsigned>(buffer_.size() - end_));
    int code = Z_OK;
    const char* text = gzerror(file_, &code);
    if (got < 0 || (code != Z_OK && code != Z_STREAM_END)) {
      ++line_;
      error_ = code == Z_BUF_ERROR ? "the compressed file ends in the middle" : text;
      return false;
    }
    if (got == 0) exhausted_ = true;
    end_ += static_cast<std::size_t>(got);
    return true;
  }

  gzFile file_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::size_t line_ = 0;
  bool exhausted_ = false;
  std::string error_;
};

/// Splits one line at its commas; a quoted field may hold commas and doubled quotes.
class field_splitter {
public:
  /// False when a quote is never closed.
  bool split(std::string_view line) {
    fields.clear();
    unquoted_.clear();
    unquoted_.reserve(line.size());  // Views into it stay valid.
    std::size_t at = 0;
    for (;;) {
      if (at < line.size() && line[at] == '"') {
        if (!quoted(line, at)) return false;
      } else {
        const std::size_t end = std::min(line.find(',', at), line.size());
        fields.push_back(line.substr(at, end - at));
        at = end;
      }
      if (at >= line.size()) return true;
      if (line[at] != ',') return false;
      ++at;
    }
  }

  std::vector<std::string_view> fields;

private:
  bool quoted(std::string_view line, std::size_t& at) {
    const std::size_t begin = unquoted_.size();
    for (++at; at < line.size(); ++at) {
      if (line[at] == '"') {
        if (at + 1 < line.size() && line[at + 1] == '"') {
          ++at;
        } else {
          ++at;
          fields.push_back(std::string_view(unquoted_).substr(begin));
          return true;
        }
      }
      unquoted_.push_back(line[at]);
    }
    return false;
  }

  std::string unquoted_;
};

std::optional<double> number(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return base::parse_finite(text);
}

std::uint64_t hash_of(std::string_view text) {
  if (text.empty()) return 0;
  const auto hash = base::fnv1a(text);
  return hash == 0 ? 1 : hash;
}

constexpr std::size_t absent = static_cast<std::size_t>(-1);

struct columns {
  std::size_t time = absent;
  std::size_t specialist = absent;
  std::size_t duration = absent;
  std::size_t session = absent;
};

/// Returns the columns' positions, or an error message.
std::variant<columns, std::string> read_header(const std::vector<std::string_view>& fields) {
  columns found;
  const std::array<std::pair<std::string_view, std::size_t*>, 4> known{
      {{"timestamp_s", &found.time},
       {"specialist", &found.specialist},
       {"duration_ms", &found.duration},
       {"case", &found.session}}};
  for (std::size_t i = 0; i < fields.size(); ++i)
    for (const auto& [name, place] : known) {
      if (fields[i] != name) continue;
      if (*place != absent)
        return "the column " + std::string{name} + " is there twice — name each column once";
      *place = i;
    }
  if (found.time == absent || found.specialist == absent)
    return "no header — the first line is timestamp_s,specialist[,duration_ms][,case]";
  return found;
}

/// Reads lines into a trace; `problem` is the current line's error.
class trace_builder {
public:
  explicit trace_builder(columns where) : where_(where) {}

  bool add(const std::vector<std::string_view>& fields) {
    if (fields.size() <= std::max(where_.time, where_.specialist)) {
      problem = "has " + std::to_string(fields.size()) + " fields — the header promises more";
      return false;
    }
    const auto time_s = number(fields[where_.time]);
    if (!time_s || *time_s < 0) {
      problem =
          "timestamp_s is '" + std::string(fields[where_.time]) + "' — expected seconds, 0 or more";
      return false;
    }
    const std::string_view name = fields[where_.specialist];
    if (name.empty()) {
      problem = "specialist is empty — every request names one";
      return false;
    }
    runtime::request one;
    one.time_s = *time_s;
    one.who = index_of(name);
    if (where_.duration < fields.size() && !fields[where_.duration].empty()) {
      const auto duration_ms = number(fields[where_.duration]);
      if (!duration_ms || *duration_ms < 0) {
        problem = "duration_ms is '" + std::string(fields[where_.duration])
                  + "' — expected milliseconds, 0 or more";
        return false;
      }
      one.duration_s = *duration_ms / 1000.0;
    }
    if (where_.session < fields.size()) one.case_key = hash_of(fields[where_.session]);
    built.requests.push_back(one);
    return true;
  }

  runtime::trace built;
  std::string problem;

private:
  runtime::specialist_index index_of(std::string_view name) {
    if (const auto found = known_.find(name); found != known_.end()) return found->second;
    const auto fresh = static_cast<runtime::specialist_index>(known_.size());
    known_.emplace(name, fresh);
    built.specialists.emplace_back(name);
    return fresh;
  }

  columns where_;
  base::text_map<runtime::specialist_index> known_;
};

// Specialists are numbered by first appearance in time, so a file's order does not matter.
void sort_by_time(runtime::trace& built) {
  const auto earlier = [](const runtime::request& a, const runtime::request& b) {
    return a.time_s < b.time_s;
  };
  if (std::is_sorted(built.requests.begin(), built.requests.end(), earlier)) return;
  std::stable_sort(built.requests.begin(), built.requests.end(), earlier);
  constexpr auto unseen = static_cast<runtime::specialist_index>(-1);
  std::vector<runtime::specialist_index> renamed(built.specialists.size(), unseen);
  std::vector<std::string> names;
  for (runtime::request& one : built.requests) {
    if (renamed[one.who] == unseen) {
      renamed[one.who] = static_cast<runtime::specialist_index>(names.size());
      names.push_back(std::move(built.specialists[one.who]));
    }
    one.who = renamed[one.who];
  }
  built.specialists = std::move(names);
}

}  // namespace

std::variant<runtime::trace, trace_error> read_trace(const std::string& path, trace_order order) {
  std::error_code code;
  if (std::filesystem::is_directory(path, code)) {
    return trace_error{path + ": is a directory — name a CSV or CSV.gz file"};
  }
  const gz_handle file(gzopen(path.c_str(), "rb"));
  if (!file) {
    return trace_error{path + ": cannot be opened: " + std::strerror(errno)
                       + " — name a CSV or CSV.gz file"};
  }
  gzbuffer(file.get(), 1U << 17);
  line_reader lines(file.get());
  field_splitter splitter;
  const auto at_line = [&](const std::string& what) {
    return trace_error{path + ":" + std::to_string(lines.line()) + ": " + what};
  };

  auto line = lines.next();
  if (line && line->substr(0, 3) == "\xEF\xBB\xBF") line->remove_prefix(3);
  if (!line) {
    if (!lines.error().empty()) return at_line(lines.error() + " — is the file damaged?");
    return trace_error{path + ":1: the file is empty — it needs a header"};
  }
  if (!splitter.split(*line)) splitter.fields.clear();
  const auto header = read_header(splitter.fields);
  if (const auto* wrong = std::get_if<std::string>(&header)) return at_line(*wrong);
  trace_builder builder(std::get<columns>(header));
  while ((line = lines.next())) {
    if (line->empty()) continue;
    if (!splitter.split(*line)) return at_line("a quote is out of place — close it");
    if (!builder.add(splitter.fields)) return at_line(builder.problem);
  }
  if (!lines.error().empty()) return at_line(lines.error() + " — is the file damaged?");
  if (builder.built.requests.empty()) {
    return at_line("there is no request in the file — it has a header alone");
  }
  builder.built.name = std::filesystem::path(path).filename().string();
  if (order == trace_order::by_time) sort_by_time(builder.built);
  return std::move(builder.built);
}

}  // namespace greenroom::machine
