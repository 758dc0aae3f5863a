// `greenroom alerts`, `diagnose` and `report`: what is wrong, what would help, what was measured.
#include "apps/client/asking.hpp"
#include "apps/client/terminal.hpp"
#include "apps/client/verb.hpp"
#include "protocols/plain_text.hpp"

#include <cstdio>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

namespace greenroom::apps {
namespace {

using nlohmann::json;

std::string period_query(char before, const std::string& last) {
  return last.empty() ? std::string{} : before + ("last=" + url_escape(last));
}

colour colour_of(const std::string& severity) {
  if (severity == "critical") return colour::red;
  return severity == "warning" ? colour::yellow : colour::blue;
}

struct alerts_options {
  asking how;
  bool all = false;
};

int alerts(node_client& client, const alerts_options& o) {
  const auto found = client.get("/v1/alerts");
  if (!found) return client.code();
  json chosen = json::array();
  for (const auto& one : found->value("items", json::array()))
    if (o.all || text_of(one, "state") == "firing") chosen.push_back(one);
  if (o.how.as_json) {
    print_json({{"items", chosen}});
    return done;
  }
  if (chosen.empty()) {
    std::printf("no alerts\n");
    return done;
  }
  // On a terminal the text stands below its row, where it has the full width.
  const bool below = is_terminal();
  std::vector<table::column> columns{
      {"SEVERITY"}, {"ALERT"}, {"STATE"}, {"SUBJECT", false, 2}, {"SINCE", false, 1}};
  if (!below) columns.push_back({"WHAT"});
  table rows{columns};
  for (const auto& one : chosen) {
    const auto severity = text_of(one, "severity", "?");
    std::vector<std::string> cells{
        severity, text_of(one, "name"), text_of(one, "state"), text_of(one, "subject"),
        text_of(one, "firing_since", text_of(one, "pending_since", "-"))};
    if (!below) cells.push_back(text_of(one, "text"));
    rows.add(std::move(cells), 0, colour_of(severity));
  }
  std::istringstream lines{rows.text()};
  std::string line;
  std::getline(lines, line);
  std::printf("%s\n", line.c_str());
  for (const auto& one : chosen) {
    std::getline(lines, line);
    std::printf("%s\n", line.c_str());
    if (below) print_text("  " + text_of(one, "text") + "\n");
  }
  return done;
}

struct diagnose_options {
  asking how;
  std::string subject, last;
};

int diagnose(const diagnose_options& o) {
  node_client client{o.how};
  const auto found =
      client.get("/v1/diagnose/" + url_escape(o.subject) + period_query('?', o.last));
  if (!found) return client.code();
  if (o.how.as_json) {
    print_json(*found);
    return done;
  }
  std::printf("%s  %s  health score %s\n", paint(o.subject, colour::bold).c_str(),
              text_of(*found, "status", "?").c_str(),
              fixed(number_of(*found, "health_score"), 2).c_str());
  const auto findings = found->value("findings", json::array());
  if (findings.empty()) std::printf("nothing is wrong\n");
  for (const auto& one : findings) {
    const auto severity = text_of(one, "severity", "?");
    print_labelled(severity, colour_of(severity), text_of(one, "finding"));
    if (const auto change = text_of(one, "change"); !change.empty())
      print_labelled("  change:", colour::none, change);
  }
  return done;
}

struct report_options {
  asking how;
  std::string format = "md", file, last;
};

int report(const report_options& o) {
  node_client client{o.how};
  const auto format = o.how.as_json ? std::string{"json"} : o.format;
  const auto made = client.raw("GET", "/v1/report?format=" + format + period_query('&', o.last));
  if (!made) return client.code();
  if (!made->good()) {
    client.say_refused(*made);
    return client.code();
  }
  // Markdown files are also read in terminals, so control sequences (for example in a rollback's
  // reason) are removed even when writing to a file.
  const auto shown = format == "md" ? protocols::plain_text(made->body, protocols::line_ends::keep)
                                    : shown_text(made->body);
  if (o.file.empty()) {
    std::fwrite(shown.data(), 1, shown.size(), stdout);
    return done;
  }
  std::ofstream file{o.file, std::ios::binary};
  file << shown;
  if (!file.flush()) {
    say_problem("cannot-write", "cannot write \"" + o.file + "\" — is there room and permission?");
    return failed;
  }
  std::printf("%s\n", o.file.c_str());
  return done;
}

}  // namespace

void define_alerts(CLI::App& verb, outcome& result) {
  verb.description("What is wrong now");
  auto o = std::make_shared<alerts_options>();
  verb.add_flag("--all", o->all, "Show pending and resolved alerts, too");
  add_asking_options(verb, o->how);
  add_watch_option(verb, o->how);
  verb.footer("Example:\n  greenroom alerts --watch");
  verb.callback([o, &result] {
    node_client client{o->how};
    result.code = once_or_watch(o->how, [&] { return alerts(client, *o); });
  });
}

void define_diagnose(CLI::App& verb, outcome& result) {
  verb.description("What is wrong, and what would help");
  auto o = std::make_shared<diagnose_options>();
  verb.add_option("SUBJECT", o->subject, "memory, warming, errors or performance")
      ->required()
      ->check(CLI::IsMember({"memory", "warming", "errors", "performance"}));
  add_period_option(verb, o->last);
  add_asking_options(verb, o->how);
  verb.footer("Example:\n  greenroom diagnose warming\n  greenroom diagnose errors --last 1h");
  verb.callback([o, &result] { result.code = diagnose(*o); });
}

void define_report(CLI::App& verb, outcome& result) {
  verb.description("What the rollout changed, before and after");
  auto o = std::make_shared<report_options>();
  verb.add_option("--format", o->format, "md, html or json")
      ->check(CLI::IsMember({"md", "html", "json"}))
      ->capture_default_str();
  verb.add_option("--out", o->file, "Write to this file instead of stdout")->type_name("FILE");
  add_period_option(verb, o->last);
  add_asking_options(verb, o->how);
  verb.footer(
      "Example:\n  greenroom report --last 1h\n  greenroom report --format html --out "
      "rollout.html");
  verb.callback([o, &result] { result.code = report(*o); });
}

}  // namespace greenroom::apps
