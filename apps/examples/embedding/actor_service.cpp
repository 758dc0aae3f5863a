// Actors of a service that has a CAF system of its own ask a node in the same process.
#include <greenroom/caf_door.hpp>
#include <greenroom/greenroom.hpp>

#include <caf/all.hpp>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <thread>

using namespace greenroom::protocols;

// `tell` is a process that answers in pieces; the others are callables of this service.
constexpr auto cast = R"yaml(departments:
  - name: TEXT
    specialists:
      - { name: shout, backend: { kind: function } }
      - { name: wait, backend: { kind: function } }
      - name: tell
        backend:
          kind: process
          protocol: jsonl
          command:
            - sh
            - -c
            - |
              echo '{"type":"ready"}'
              while read -r line; do
                case $line in *'"ping"'*) echo '{"type":"pong"}'; continue;; esac
                id=$(printf '%s' "$line" | sed 's/.*"id":"\([^"]*\)".*/\1/')
                for word in one two three; do
                  printf '{"type":"chunk","id":"%s","text":"%s "}\n' "$id" "$word"
                done
                printf '{"type":"result","id":"%s","output":3}\n' "$id"
              done
)yaml";

std::string shout(const std::string& input) {
  auto louder = input;
  std::ranges::transform(louder, louder.begin(), [](unsigned char c) { return std::toupper(c); });
  return louder;
}
// Until nobody waits for it any more.
std::string wait(const std::string&, std::stop_token stop) {
  while (!stop.stop_requested()) std::this_thread::sleep_for(std::chrono::milliseconds{5});
  return "null";
}

enum : std::uint64_t { shouting, misnamed, telling, waiting };

// Gives one order after the other.
caf::behavior client(caf::event_based_actor* self, greenroom::caf_door door) {
  const auto order = [=](task_order wanted) {
    // The task has a deadline of its own, and every order is answered.
    self->request(door, caf::infinite, std::move(wanted)).then([=](task_answer& answer) {
      self->send(self, std::move(answer));
    });
  };
  order({.specialist = "shout", .input = R"("hello")", .tag = shouting});
  return {
      [=](const task_answer& answer) {
        switch (answer.tag) {
          case shouting:
            std::printf("shout: %s\n", answer.output.c_str());
            return order({.specialist = "shuot", .tag = misnamed});
          case misnamed:
            std::printf("shuot: refused, nearest is %s\n", answer.nearest.at(0).c_str());
            return order({.specialist = "tell", .tag = telling, .listener = self});
          case telling:
            std::printf("tell: %s pieces\n", answer.output.c_str());
            return order({.specialist = "wait", .tag = waiting, .listener = self});
          default:
            std::printf("wait: %s\n", std::string{to_string(answer.state)}.c_str());
            self->quit();
        }
      },
      [=](const task_piece& piece) { std::printf("tell: %s\n", piece.text.c_str()); },
      [=](const task_accepted& task) {
        if (task.tag == waiting) self->send(door, task_cancel{task.id});
      },
      [](bool) {},  // What the door says to `task_cancel`.
  };
}

int main() {
  auto started =
      greenroom::node::start(greenroom::config::load_text(cast, "cast")->value,
                             {{"shout", shout}, {"wait", wait}}, {.without_journal = true});
  if (!started) {
    std::fprintf(stderr, "%s\n", started.error().text.c_str());
    return 1;
  }
  auto& node = **started;
  caf::actor_system_config settings;
  caf::actor_system system{settings};
  system.spawn(client, greenroom::open_caf_door(system, node));
  system.await_all_actors_done();
}
