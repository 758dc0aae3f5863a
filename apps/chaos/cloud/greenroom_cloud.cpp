// greenroom-chaos-cloud: a server that simulates a cloud backend. It answers `GET /health` and
// tasks, with the bundled worker's search plus `answered_by`, so that it can replace that worker.
#include "apps/workers/search_index.hpp"
#include "protocols/base/json_text.hpp"
#include "runtime/machine/http/server.hpp"
#include "runtime/machine/io/engine.hpp"

#include <cstdio>
#include <exception>
#include <mutex>
#include <string>

namespace {

using greenroom::machine::http::request, greenroom::machine::http::responder;
namespace text = greenroom::base;

constexpr std::size_t index_mb = 8;
constexpr std::size_t hits_max = 5;

std::string query_of(std::string_view input) {
  std::string query, room;
  const bool object = text::each_member(input, [&](std::string_view key, std::string_view value) {
    if (key == "query") query = text::decode_string(value, room).value_or(query);
  });
  return object && !query.empty() ? query : std::string{input};
}

std::string answer(greenroom::workers::search_index& index, std::string_view input) {
  std::string output = R"({"answered_by":"cloud","hits":[)";
  const char* comma = "";
  for (const auto& one : index.search(query_of(input), hits_max)) {
    output += comma;
    comma = ",";
    output += R"({"doc":)" + std::to_string(one.document) + R"(,"snippet":)"
              + text::json_string(one.snippet) + "}";
  }
  return output + "]}";
}

int serve() {
  // The parent process holds the other end of stdin; the server stops at end of file.
  greenroom::workers::search_index index{"CLOUD", index_mb << 20};
  std::mutex guard;
  greenroom::machine::engine io{1};
  io.start();
  auto started =
      greenroom::machine::http::server::start(io, {}, [&](request& asked, const responder& reply) {
        if (asked.path() == "/health") return reply.answer(200, "text/plain", "well\n");
        const std::lock_guard lock{guard};
        reply.answer(200, "application/json", answer(index, asked.body()));
      });
  if (!started) {
    std::fprintf(stderr, "greenroom-chaos-cloud: %s\n", started.error().text.c_str());
    return 1;
  }
  const auto& server = *started;
  std::printf("%u\n", unsigned{server->port()});
  std::fflush(stdout);
  while (std::getchar() != EOF) {
  }
  return 0;
}

}  // namespace

int main() {
  try {
    return serve();
  } catch (const std::exception& failed) {
    std::fprintf(stderr, "greenroom-chaos-cloud: %s\n", failed.what());
    return 1;
  }
}
