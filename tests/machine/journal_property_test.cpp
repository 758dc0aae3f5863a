// Whatever is written in whatever order, with crashes and full disks in between, the journal holds
// what a plain model holds; and what was acknowledged survives `kill -9`.
#include "tests/machine/journal_scratch.hpp"

#include <rapidcheck/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

namespace greenroom::machine::testing {
namespace {

// ---- against a model, in one process ----

struct model_task {
  accept_record accepted;
  std::optional<end_record> ended;
  bool started = false;
};

/// What the journal should hold, without any cleverness.
struct model {
  std::vector<model_task> tasks;  ///< In the order of acceptance.
  std::map<std::string, std::string> states;
  std::vector<event_record> events;

  model_task* find(const protocols::task_id& id) {
    const auto found = std::find_if(tasks.begin(), tasks.end(),
                                    [&](const auto& task) { return task.accepted.id == id; });
    return found == tasks.end() ? nullptr : &*found;
  }

  verdict apply(const accept_record& record) {
    if (!record.idempotency_key.empty()) {
      for (const auto& task : tasks) {
        if (task.accepted.idempotency_key != record.idempotency_key) continue;
        const bool same = task.accepted.request_hash == record.request_hash;
        return {same ? verdict::kind::same_request : verdict::kind::key_conflict, task.accepted.id};
      }
    }
    if (!find(record.id)) tasks.push_back({record, std::nullopt, false});
    return {verdict::kind::written, record.id};
  }
  verdict apply(const end_record& record) {
    auto* task = find(record.id);
    if (!task || task->ended) return {verdict::kind::not_open, record.id};
    task->ended = record;
    return {verdict::kind::written, record.id};
  }
  verdict apply(const start_record& record) {
    if (auto* task = find(record.id); task && !task->ended) task->started = true;
    return {};
  }
  verdict apply(const state_record& record) {
    states[record.name] = record.value;
    return {};
  }
  verdict apply(const event_record& record) {
    events.push_back(record);
    return {};
  }

  std::size_t prune(std::int64_t before, std::size_t most) {
    std::size_t gone = 0;
    const bool waits =
        std::any_of(tasks.begin(), tasks.end(), [](const model_task& task) { return !task.ended; });
    for (auto task = tasks.begin(); task != tasks.end() && gone < most;) {
      if (task->accepted.accepted_unix_ms >= before) break;
      // Its number must not be given again.
      if (waits && task + 1 == tasks.end()) break;
      const bool old = task->ended && task->ended->ended_unix_ms < before;
      task = old ? tasks.erase(task) : task + 1;
      gone += old ? 1 : 0;
    }
    while (!events.empty() && gone < most && events.front().unix_ms < before) {
      events.erase(events.begin());
      ++gone;
    }
    return gone;
  }
};

std::vector<record> any_batch(std::mt19937_64& random, std::int64_t now, std::size_t records) {
  const auto pick = [&](std::uint64_t below) { return random() % below; };
  std::vector<record> batch;
  while (batch.size() < records) {
    const auto number = pick(40);
    switch (pick(8)) {
      case 0:
      case 1:
      case 2:
      case 3: {
        auto record = accepted(number, now);
        record.id.epoch = pick(2);
        record.specialist = "specialist-" + std::to_string(pick(5));
        if (pick(3) == 0) record.idempotency_key = "key-" + std::to_string(pick(6));
        record.request_hash = pick(2);
        record.input.append(pick(20) == 0 ? 9000 : pick(100), 'i');
        batch.emplace_back(std::move(record));
        break;
      }
      case 4:
      case 5: {
        auto record = ended(number, now);
        record.id.epoch = pick(2);
        record.state = static_cast<protocols::task_state>(2 + pick(4));
        record.output = std::string(pick(100), 'o');
        batch.emplace_back(std::move(record));
        break;
      }
      case 6: batch.emplace_back(start_record{{pick(2), number}, 1}); break;
      default:
        if (pick(2) == 0) {
          batch.emplace_back(state_record{"s" + std::to_string(pick(3)), std::to_string(random())});
        } else {
          batch.emplace_back(event_record{"k" + std::to_string(pick(3)), now, std::to_string(now)});
        }
    }
  }
  return batch;
}

void check_same(journal& journal, const std::string& path, model& expected) {
  const auto reader = open_reader(path);
  std::vector<std::uint64_t> all;
  std::vector<std::uint64_t> open;
  for (const auto& task : expected.tasks) {
    all.insert(all.begin(), task.accepted.id.number);
    if (!task.ended) open.push_back(task.accepted.id.number);
  }
  RC_ASSERT(numbers_of(value_of(journal.unfinished())) == open);

  std::vector<std::uint64_t> listed;
  task_query query{.limit = 7};
  do {
    const auto page = value_of(reader->list(query));
    for (const auto number : numbers_of(page.items)) listed.push_back(number);
    query.cursor = page.next;
  } while (!query.cursor.empty());
  RC_ASSERT(listed == all);

  for (std::uint64_t epoch = 0; epoch < 2; ++epoch) {
    for (std::uint64_t number = 0; number < 40; ++number) {
      const auto* known = expected.find({epoch, number});
      const auto found = value_of(reader->find({epoch, number}));
      RC_ASSERT(found.has_value() == (known != nullptr));
      if (!known) continue;
      RC_ASSERT(found->accepted.input == known->accepted.input);
      RC_ASSERT(found->accepted.specialist == known->accepted.specialist);
      RC_ASSERT(found->ended.has_value() == known->ended.has_value());
      if (known->ended) {
        RC_ASSERT(found->state == known->ended->state);
        RC_ASSERT(found->ended->output == known->ended->output);
      } else {
        RC_ASSERT((found->state == protocols::task_state::running) == known->started);
      }
    }
  }
  const auto totals = value_of(reader->count());
  RC_ASSERT(totals.accepted == expected.tasks.size());
  RC_ASSERT(totals.unfinished == open.size());
  RC_ASSERT(totals.ended == expected.tasks.size() - open.size());
  for (const auto& [name, value] : expected.states)
    RC_ASSERT(value_of(journal.state(name)) == value);
  RC_ASSERT(value_of(reader->events("", 1'000'000)).size() == expected.events.size());
}

RC_GTEST_PROP(JournalProperty, HoldsWhatAModelHoldsThroughReopeningsAndFullDisks, ()) {
  const auto steps = *rc::gen::inRange(1, 30);
  std::mt19937_64 random{*rc::gen::arbitrary<std::uint64_t>()};
  const scratch_directory directory;
  auto journal = open_journal(directory.file());
  model expected;
  for (int step = 0; step < steps; ++step) {
    const std::int64_t now = 1000 + step * 10;
    const auto what = random() % 10;
    if (what == 0) {
      journal.reset();
      journal = open_journal(directory.file());
    } else if (what == 1) {
      const auto before = now - static_cast<std::int64_t>(random() % 200);
      const auto most = random() % 20;
      RC_ASSERT(value_of(journal->prune(before, most)) == expected.prune(before, most));
    } else {
      const auto batch = any_batch(random, now, random() % 50);
      std::optional<full_disk> full;
      if (what == 2) full.emplace();
      const auto result = journal->commit(batch);
      full.reset();
      // A batch that changes nothing needs no space, so it may succeed on a full disk.
      if (what == 2 && !result) continue;
      const auto verdicts = value_of(result);
      RC_ASSERT(verdicts.size() == batch.size());
      for (std::size_t i = 0; i < batch.size(); ++i) {
        const auto wanted =
            std::visit([&](const auto& record) { return expected.apply(record); }, batch[i]);
        RC_ASSERT(verdicts[i].what == wanted.what);
        if (std::holds_alternative<accept_record>(batch[i]))
          RC_ASSERT(verdicts[i].existing == wanted.existing);
      }
    }
  }
  check_same(*journal, directory.file(), expected);
}

// ---- against kill -9 ----

/// What the writing process says through its pipe: what it is about to commit, then that it is
/// committed. One of these is smaller than PIPE_BUF, so it comes whole or not at all.
struct note {
  enum class kind : std::uint8_t { accept, end, committed } what;
  std::uint64_t number;
  std::uint64_t output;
};

void say(int pipe, const note& one) {
  if (::write(pipe, &one, sizeof one) != sizeof one) ::_exit(1);
}

/// A life of a node: ends what is unfinished, some of it twice, and accepts more, until it is
/// killed.
[[noreturn]] void live(const std::string& path, std::uint64_t seed, std::uint64_t first, int pipe) {
  std::mt19937_64 random{seed};
  auto journal = open_journal(path);
  std::vector<std::uint64_t> open = numbers_of(value_of(journal->unfinished()));
  std::set<std::uint64_t> ended_already;
  for (std::uint64_t next = first;;) {
    std::vector<record> batch;
    const auto records = 1 + random() % 64;
    for (std::uint64_t i = 0; i < records; ++i) {
      if (random() % 2 == 0 || open.empty()) {
        auto record = accepted(next);
        record.input.append(random() % 600, 'x');
        say(pipe, {note::kind::accept, next, 0});
        open.push_back(next++);
        batch.emplace_back(std::move(record));
      } else {
        const auto chosen = random() % open.size();
        auto record = ended(open[chosen]);
        const auto output = random();
        record.output = std::to_string(output);
        say(pipe, {note::kind::end, open[chosen], output});
        batch.emplace_back(record);
        record.output = "a second end";
        batch.emplace_back(record);
        open.erase(open.begin() + static_cast<std::ptrdiff_t>(chosen));
      }
    }
    if (!journal->commit(batch)) ::_exit(2);
    say(pipe, {note::kind::committed, 0, 0});
  }
}

struct books {
  std::set<std::uint64_t> accepted;
  std::map<std::uint64_t, std::uint64_t> ended;
  void apply(const std::vector<note>& notes) {
    for (const auto& one : notes) {
      if (one.what == note::kind::accept) {
        accepted.insert(one.number);
      } else {
        ended.emplace(one.number, one.output);
      }
    }
  }
};

/// True when the journal holds exactly this.
bool holds(journal_reader& reader, journal& journal, const books& expected) {
  const auto totals = value_of(reader.count());
  if (totals.accepted != expected.accepted.size() || totals.ended != expected.ended.size())
    return false;
  std::vector<std::uint64_t> open;
  for (const auto number : expected.accepted) {
    const auto found = value_of(reader.find(id_of(number)));
    if (!found) return false;
    const auto end = expected.ended.find(number);
    if (end == expected.ended.end()) {
      open.push_back(number);
      if (found->ended) return false;
    } else if (!found->ended || found->ended->output != std::to_string(end->second)) {
      return false;
    }
  }
  return numbers_of(value_of(journal.unfinished())) == open;
}

RC_GTEST_PROP(JournalProperty, KeepsWhatWasAcknowledgedAndOneEndATaskThroughKills, ()) {
  const auto seed = *rc::gen::arbitrary<std::uint64_t>();
  std::mt19937_64 random{seed};
  const scratch_directory directory;
  const auto path = directory.file();
  books certain;
  for (std::uint64_t life = 0; life < 2; ++life) {
    int ends[2];
    RC_ASSERT(::pipe(ends) == 0);
    const auto child = ::fork();
    RC_ASSERT(child >= 0);
    if (child == 0) {
      ::close(ends[0]);
      live(path, seed + life, life * 1'000'000, ends[1]);
    }
    ::close(ends[1]);
    // Killed at a random note: while a batch is put together, in its commit, or after it.
    const auto patience = random() % 1200;
    std::vector<note> since;
    note one{};
    for (std::uint64_t heard = 0; ::read(ends[0], &one, sizeof one) == sizeof one; ++heard) {
      if (heard == patience) ::kill(child, SIGKILL);
      if (one.what != note::kind::committed) {
        since.push_back(one);
      } else {
        certain.apply(since);
        since.clear();
      }
    }
    ::close(ends[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    RC_ASSERT(WIFSIGNALED(status));

    const auto journal = open_journal(path);
    const auto reader = open_reader(path);
    if (holds(*reader, *journal, certain)) continue;
    // The last batch may have become durable without its writer living to say so; then all of it.
    auto perhaps = certain;
    perhaps.apply(since);
    RC_ASSERT(holds(*reader, *journal, perhaps));
    certain = perhaps;
  }
}

}  // namespace
}  // namespace greenroom::machine::testing
