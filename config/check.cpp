// Checks rules over several keys.
#include "config/check.hpp"

#include "protocols/base/duration.hpp"
#include "protocols/base/edit_distance.hpp"
#include "protocols/base/http_url.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <set>
#include <unordered_map>
#include <unordered_set>

namespace greenroom::config {

namespace {

class checker {
public:
  checker(const node& whole, const places& where, std::vector<problem>& problems)
      : whole_{whole}, where_{where}, problems_{problems} {}

  void run() {
    collect_names();
    for (std::size_t d = 0; d < whole_.departments.size(); ++d) {
      const auto& group = whole_.departments[d];
      for (std::size_t s = 0; s < group.specialists.size(); ++s) {
        check_specialist(group.specialists[s], specialist_path(d, s));
      }
    }
    if (whole_.listen.empty()) complain("listen", "expected ADDR:PORT such as 127.0.0.1:7117");
    if (whole_.data_dir.empty())
      complain("data_dir", "the journal needs a folder; its name is empty");
    if (whole_.rollout.criteria.response_ratio <= 0) {
      complain("rollout.criteria.response_ratio", "must be above 0, or nothing ever passes");
    }
    check_fallback_chains();
    check_workflows();
    check_commands();
    if (whole_.retry.base > whole_.retry.max) {
      complain("retry.base",
               "is longer than retry.max (" + base::format_duration(whole_.retry.max) + ')');
    }
  }

private:
  static std::string specialist_path(std::size_t department, std::size_t position) {
    return "departments[" + std::to_string(department) + "].specialists[" + std::to_string(position)
           + ']';
  }

  void complain(std::string_view path, std::string message, std::string suggestion = {}) {
    auto place = where_.find(path);
    // The position has an error already; a consequence of it would only distract.
    for (const auto& known : problems_) {
      if (place.at.line != 0 && known.line == place.at.line && known.column == place.at.column
          && known.source == *place.at.source) {
        return;
      }
    }
    problems_.push_back(
        problem_at(place.at, std::move(place.shown), std::move(message), std::move(suggestion)));
  }

  /// Reports a duplicate name, with the position of the first.
  void claim(std::unordered_map<std::string, std::string>& taken, const std::string& name,
             const std::string& path, std::string_view what) {
    if (name.empty()) return;  // Reported when the name was read.
    const auto [first, fresh] = taken.try_emplace(name, path);
    if (fresh) return;
    const auto place = where_.find(first->second);
    std::string message = "duplicate " + std::string{what} + " \"" + name + "\", first ";
    message += place.at.line == 0 ? "set there as " + place.shown
                                  : "used on line " + std::to_string(place.at.line);
    complain(path, std::move(message));
  }

  void collect_names() {
    std::unordered_map<std::string, std::string> departments;
    std::unordered_map<std::string, std::string> specialists;
    std::unordered_map<std::string, std::string> workflows;
    for (std::size_t d = 0; d < whole_.departments.size(); ++d) {
      const auto& group = whole_.departments[d];
      claim(departments, group.name, "departments[" + std::to_string(d) + "].name", "department");
      department_names_.push_back(group.name);
      for (std::size_t s = 0; s < group.specialists.size(); ++s) {
        const auto& one = group.specialists[s];
        claim(specialists, one.name, specialist_path(d, s) + ".name", "specialist");
        specialist_names_.push_back(one.name);
      }
    }
    for (std::size_t d = 0; d < whole_.departments.size(); ++d) {
      const auto& group = whole_.departments[d];
      for (std::size_t s = 0; s < group.specialists.size(); ++s) {
        const auto& aliases = group.specialists[s].aliases;
        for (std::size_t at = 0; at < aliases.size(); ++at) {
          const auto& alias = aliases[at];
          const auto path = specialist_path(d, s) + ".aliases[" + std::to_string(at) + ']';
          if (!is_name(alias)) {
            complain(path, '"' + alias + "\" cannot be a name");
            continue;
          }
          claim(specialists, alias, path, "specialist or alias");
          specialist_names_.push_back(alias);
        }
      }
    }
    for (std::size_t w = 0; w < whole_.workflows.size(); ++w) {
      claim(workflows, whole_.workflows[w].name, "workflows[" + std::to_string(w) + "].name",
            "workflow");
    }
    known_specialists_.insert(specialist_names_.begin(), specialist_names_.end());
    known_departments_.insert(department_names_.begin(), department_names_.end());
  }

  void need_specialist(const std::string& name, std::string_view path) {
    if (known_specialists_.contains(name)) return;
    complain(path, "no specialist is called \"" + name + '"',
             std::string{base::nearest_of(name, specialist_names_)});
  }

  void check_headers(const backend& worker, const std::string& path) {
    if (!worker.headers.empty() && worker.kind != backend_kind::http)
      complain(path, "only an http backend is sent headers");
    std::unordered_set<std::string> seen;
    for (const auto& [name, value] : worker.headers) {
      auto shown = path;
      shown += '.';
      shown += name;
      // RFC 9110, 5.6.2: a token; and 5.5: no control characters.
      const bool token = std::ranges::all_of(name, [](unsigned char c) {
        return std::isalnum(c) != 0
               || std::string_view{"!#$%&'*+-.^_`|~"}.find(static_cast<char>(c))
                      != std::string_view::npos;
      });
      if (!token) complain(shown, "not the name of a header");
      if (std::ranges::any_of(value, [](unsigned char c) { return c < 0x20 && c != '\t'; }))
        complain(shown, "a header's value is one line");
      std::string lower;
      for (const char c : name)
        lower += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      constexpr std::array<std::string_view, 6> ours{"host",       "content-length",
                                                     "connection", "transfer-encoding",
                                                     "upgrade",    "idempotency-key"};
      if (std::ranges::find(ours, lower) != ours.end())
        complain(shown, "the node sets this header itself");
      if (!seen.insert(lower).second)
        complain(shown, "this header is set twice: upper and lower case are the same");
    }
  }

  /// Checks an http backend. Parses the URL as the worker does.
  void check_server(const backend& worker, const std::string& path) {
    if (!worker.command.empty() && worker.command.front().empty())
      complain(path + ".command", "the program has no name");
    if (worker.url.empty()) return complain(path + ".url", "an http backend needs a url");
    const auto shown = base::with_port(worker.url, 8080);
    const auto parts = base::parse_http_url(shown);
    const std::string fault =
        !parts                 ? parts.error().text
        : parts->query.empty() ? ""
                               : "has a query (?), which is not sent; write it at the end of the "
                                 "key path";
    if (!fault.empty())
      return complain(
          path + ".url", "\"" + worker.url + "\" " + fault,
          base::is_http_url("http://" + shown) && worker.url.find("://") == std::string::npos
              ? "http://" + worker.url
              : std::string{});
    const bool picked = shown != worker.url;
    if (picked && worker.command.empty())
      complain(path + ".url", "${PORT} is for a server that the node starts; there is no command");
    const auto uses = [](const std::string& text) {
      return text.find(base::port_mark) != std::string::npos;
    };
    if (!picked && std::ranges::any_of(worker.command, uses))
      complain(path + ".url",
               "the command is given ${PORT}, but the url does not say that the server is there",
               "http://" + parts->host + ":${PORT}");
  }

  void check_specialist(const specialist& one, const std::string& path) {
    const auto& worker = one.backend;
    switch (worker.kind) {
      case backend_kind::process:
        if (worker.command.empty() || worker.command.front().empty()) {
          complain(path + ".backend.command", "a process needs a command");
        }
        if (!worker.url.empty())
          complain(path + ".backend.url", "only an http backend has a url", "kind: http");
        break;
      case backend_kind::http:
        check_server(worker, path + ".backend");
        if (worker.protocol != backend{}.protocol)
          complain(path + ".backend.protocol", "only a process has a protocol");
        break;
      case backend_kind::function:
        if (!worker.command.empty()) {
          complain(path + ".backend.command", "a function has no command", "kind: process");
        }
        break;
    }
    check_headers(worker, path + ".backend.headers");
    const auto budget = whole_.pool.memory_budget_mb;
    if (budget > 0 && one.memory_mb > budget && !one.pin) {
      complain(path + ".memory_mb",
               "more than pool.memory_budget_mb, so it could never be warm: raise the budget or "
               "pin it");
    }
    if (!one.fallback.empty()) {
      need_specialist(one.fallback, path + ".fallback");
    }
  }

  /// A cycle of fallbacks would forward a task for ever.
  void check_fallback_chains() {
    std::unordered_map<std::string, const specialist*> by_name;
    for (const auto& group : whole_.departments) {
      for (const auto& one : group.specialists) {
        by_name.try_emplace(one.name, &one);
        for (const auto& alias : one.aliases) by_name.try_emplace(alias, &one);
      }
    }
    std::unordered_set<const specialist*> good;
    for (std::size_t d = 0; d < whole_.departments.size(); ++d) {
      const auto& members = whole_.departments[d].specialists;
      for (std::size_t s = 0; s < members.size(); ++s) {
        std::set<const specialist*> seen;
        const auto* at = &members[s];
        while (at && !at->fallback.empty() && !good.contains(at)) {
          if (!seen.insert(at).second) {
            if (at == &members[s]) {
              complain(specialist_path(d, s) + ".fallback", "leads back to the specialist itself");
            }
            break;
          }
          const auto next = by_name.find(at->fallback);
          at = next == by_name.end() ? nullptr : next->second;
        }
        if (!at || at->fallback.empty() || good.contains(at)) {
          good.insert(seen.begin(), seen.end());
        }
      }
    }
  }

  void check_workflows() {
    for (std::size_t w = 0; w < whole_.workflows.size(); ++w) {
      const auto path = "workflows[" + std::to_string(w) + "].steps";
      const auto& steps = whole_.workflows[w].steps;
      if (steps.empty()) complain(path, "a workflow needs steps");
      for (std::size_t at = 0; at < steps.size(); ++at) {
        need_specialist(steps[at], path + '[' + std::to_string(at) + ']');
      }
    }
  }

  void check_commands() {
    for (const auto& [word, target] : whole_.commands) {
      const auto path = "commands." + word;
      if (word.starts_with("bumba:")) {
        complain(path, "bumba: is understood in front of every command and not written here",
                 word.substr(6));
      }
      if (target.department.empty() == target.specialist.empty()) {
        complain(path, "needs either a department or a specialist");
        continue;
      }
      if (!target.specialist.empty()) {
        need_specialist(target.specialist, path + ".specialist");
      } else if (!known_departments_.contains(target.department)) {
        complain(path + ".department", "no department is called \"" + target.department + '"',
                 std::string{base::nearest_of(target.department, department_names_)});
      }
    }
  }

  const node& whole_;
  const places& where_;
  std::vector<problem>& problems_;
  std::vector<std::string> department_names_;
  std::vector<std::string> specialist_names_;
  std::unordered_set<std::string> known_departments_;
  std::unordered_set<std::string> known_specialists_;
};

// Warns about absolute durations that contradict each other.
class adviser {
public:
  adviser(const node& whole, const places& where, std::vector<problem>& warnings)
      : whole_{whole}, where_{where}, warnings_{warnings} {}

  void run() {
    for (std::size_t d = 0; d < whole_.departments.size(); ++d) {
      const auto& members = whole_.departments[d].specialists;
      for (std::size_t s = 0; s < members.size(); ++s)
        look_at(members[s].backend, "departments[" + std::to_string(d) + "].specialists["
                                        + std::to_string(s) + "].backend.");
    }
    const auto& plan = whole_.rollout;
    const auto hold = [&](const char* key, std::chrono::milliseconds least) {
      if (plan.hold_limit.count() > 0 && plan.hold_limit < least)
        warn("rollout.hold_limit", "is shorter than rollout." + std::string{key} + " ("
                                       + base::format_duration(least)
                                       + "), so that stage fails before it can pass");
    };
    hold("shadow_hold", plan.shadow_hold);
    hold("step_hold", plan.step_hold);
    hold("full_hold", plan.full_hold);
    hold("optimization_hold", plan.optimization_hold);
  }

private:
  void look_at(const backend& worker, const std::string& path) {
    const bool starts = worker.kind != backend_kind::function
                        && (worker.kind == backend_kind::process || !worker.command.empty());
    // Only if `start_timeout` is set: the default is generous, and most starts are short.
    if (starts && worker.task_timeout && where_.written(path + "start_timeout")
        && *worker.task_timeout <= worker.start_timeout)
      warn(path + "task_timeout",
           "is not longer than start_timeout (" + base::format_duration(worker.start_timeout)
               + "): a task that waits for a slow start ends with 504 before its worker is ready; "
                 "leave task_timeout out (30s, and start_timeout more for such a task), or make it "
                 "longer than a start and a run together");
    if (worker.kind == backend_kind::http && !worker.command.empty()
        && worker.url.find(base::port_mark) == std::string::npos)
      warn(path + "url",
           "has a port that is written out, which one instance of the server can have: the two "
           "pools of a rollout cannot share it, nor can another specialist; write ${PORT} in url "
           "and command for a port that the node picks");
    if (worker.task_timeout && worker.attempt_timeout >= *worker.task_timeout)
      warn(path + "attempt_timeout", "is not shorter than task_timeout ("
                                         + base::format_duration(*worker.task_timeout)
                                         + "), so no second attempt is ever made");
  }

  void warn(std::string_view path, std::string message) {
    auto place = where_.find(path);
    warnings_.push_back(problem_at(place.at, std::move(place.shown), std::move(message)));
  }

  const node& whole_;
  const places& where_;
  std::vector<problem>& warnings_;
};

}  // namespace

void advise(const node& whole, const places& where, std::vector<problem>& warnings) {
  adviser{whole, where, warnings}.run();
}

void check(const node& whole, const places& where, std::vector<problem>& problems) {
  checker{whole, where, problems}.run();
}

}  // namespace greenroom::config
