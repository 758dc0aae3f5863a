// greenroom-worker: a worker with a real working set, for demos, tests and benchmarks.
//
// Builds a full-text index over its department's documents and answers each task with the best hits
// for the words of the input.
#include "apps/workers/search_index.hpp"
#include "protocols/base/json_text.hpp"
#include "protocols/msgpack_json.hpp"
#include "protocols/worker_msgpack.hpp"

#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

namespace greenroom::workers {
namespace {

namespace text = protocols;

struct options {
  bool msgpack = true;
  std::size_t memory_mb = 5;
};

std::string environment(const char* name, const char* otherwise) {
  const char* const value = std::getenv(name);
  return value ? value : otherwise;
}

bool write_all(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto count = ::write(STDOUT_FILENO, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

/// All text in a JSON value: the query of a task without `query`.
struct text_collector : base::json_deaf {
  std::string all, room;
  void string(std::string_view raw) {
    all += base::unescape(raw, room);
    all.push_back(' ');
  }
};

std::string query_of(std::string_view input) {
  std::string query, room;
  const bool object = base::each_member(input, [&](std::string_view key, std::string_view value) {
    if (key == "query") query = base::decode_string(value, room).value_or(query);
  });
  if (object && !query.empty()) return query;
  text_collector everything;
  base::json_scanner<text_collector> scan{input, everything};
  scan.skip_space();
  return scan.value(base::json_depth_max) ? everything.all : std::string{};
}

class searcher {
public:
  explicit searcher(const options& wanted)
      : msgpack_{wanted.msgpack},
        specialist_{environment("GREENROOM_SPECIALIST", "greenroom-worker")},
        department_{environment("GREENROOM_DEPARTMENT", "BACKEND")},
        index_{department_, wanted.memory_mb << 20} {}

  int serve() {
    say(R"({"type":"ready"})");
    std::string got;
    std::string room(std::size_t{64} << 10, '\0');
    while (write_all(out_)) {
      out_.clear();
      const auto count = ::read(STDIN_FILENO, room.data(), room.size());
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) return 0;
      got.append(room.data(), static_cast<std::size_t>(count));
      if (!(msgpack_ ? take_frames(got) : take_lines(got))) return 1;
    }
    return 0;
  }

private:
  bool take_lines(std::string& got) {
    std::size_t at = 0;
    for (auto end = got.find('\n'); end != std::string::npos; end = got.find('\n', at)) {
      answer(std::string_view{got}.substr(at, end - at));
      at = end + 1;
    }
    got.erase(0, at);
    return true;
  }

  bool take_frames(std::string& got) {
    std::size_t at = 0;
    while (got.size() - at >= 4) {
      std::size_t length = 0;
      for (std::size_t i = 0; i < 4; ++i)
        length = length << 8 | static_cast<unsigned char>(got[at + i]);
      if (length > text::msgpack_frame_bytes_max) return false;
      if (got.size() - at - 4 < length) break;
      std::string message;
      if (!text::append_json(message, std::string_view{got}.substr(at + 4, length))) return false;
      answer(message);
      at += 4 + length;
    }
    got.erase(0, at);
    return true;
  }

  void say(std::string_view json) {
    if (!msgpack_) {
      out_ += json;
      out_ += '\n';
      return;
    }
    const auto begin = out_.size();
    out_.append(4, '\0');
    static_cast<void>(text::append_msgpack(out_, json));
    const auto length = out_.size() - begin - 4;
    for (std::size_t i = 0; i < 4; ++i)
      out_[begin + i] = static_cast<char>(static_cast<unsigned char>(length >> (24 - 8 * i)));
  }

  void answer(std::string_view message) {
    std::string_view type, id, input = "null";
    std::string type_room;
    if (!base::each_member(message, [&](std::string_view key, std::string_view value) {
          if (key == "type")
            type = base::decode_string(value, type_room).value_or(type);
          else if (key == "id")
            id = value;
          else if (key == "input")
            input = value;
        }))
      return;
    if (type == "ping") return say(R"({"type":"pong"})");
    if (type == "task")
      say(R"({"type":"result","id":)" + std::string{id} + R"(,"output":)" + search(query_of(input))
          + "}");
  }

  std::string search(const std::string& query) {
    const auto begin = std::chrono::steady_clock::now();
    const auto hits = index_.search(query, 5);
    const auto took = std::chrono::duration_cast<std::chrono::microseconds>(
        std::chrono::steady_clock::now() - begin);
    std::string output = R"({"specialist":)" + base::json_string(specialist_) + R"(,"department":)"
                         + base::json_string(department_) + R"(,"hits":[)";
    for (const auto& one : hits) {
      char score[32];
      std::snprintf(score, sizeof score, "%.3f", static_cast<double>(one.score));
      if (&one != &hits.front()) output += ',';
      output += R"({"doc":)" + std::to_string(one.document) + R"(,"score":)" + score
                + R"(,"snippet":)" + base::json_string(one.snippet) + "}";
    }
    return output + R"(],"took_us":)" + std::to_string(took.count()) + "}";
  }

  const bool msgpack_;
  const std::string specialist_, department_;
  search_index index_;
  std::string out_;
};

bool parse(int count, char** arguments, options& result) {
  for (int i = 1; i < count; ++i) {
    const std::string_view name{arguments[i]};
    if (i + 1 >= count) return false;
    const std::string_view value{arguments[++i]};
    if (name == "--protocol" && (value == "jsonl" || value == "msgpack")) {
      result.msgpack = value == "msgpack";
    } else if (name == "--memory-mb") {
      const auto read =
          std::from_chars(value.data(), value.data() + value.size(), result.memory_mb);
      if (read.ec != std::errc{} || read.ptr != value.data() + value.size()
          || result.memory_mb > 4096)
        return false;
    } else {
      return false;
    }
  }
  return true;
}

}  // namespace
}  // namespace greenroom::workers

int main(int count, char** arguments) {
  greenroom::workers::options wanted;
  if (!greenroom::workers::parse(count, arguments, wanted)) {
    std::fputs("usage: greenroom-worker [--protocol msgpack|jsonl] [--memory-mb 5]\n", stderr);
    return 2;
  }
  greenroom::workers::searcher worker{wanted};
  return worker.serve();
}
