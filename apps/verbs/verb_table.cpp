#include "apps/verbs/verb_table.hpp"

#include <array>

namespace greenroom::apps {

// Each function is defined in a file of this folder.
void define_serve(CLI::App& verb, outcome& result);
void define_demo(CLI::App& verb, outcome& result);
void define_submit(CLI::App& verb, outcome& result);
void define_load(CLI::App& verb, outcome& result);
void define_replay(CLI::App& verb, outcome& result);
void define_status(CLI::App& verb, outcome& result);
void define_health(CLI::App& verb, outcome& result);
void define_metrics(CLI::App& verb, outcome& result);
void define_specialists(CLI::App& verb, outcome& result);
void define_tasks(CLI::App& verb, outcome& result);
void define_alerts(CLI::App& verb, outcome& result);
void define_events(CLI::App& verb, outcome& result);
void define_verify(CLI::App& verb, outcome& result);
void define_predict(CLI::App& verb, outcome& result);
void define_workflows(CLI::App& verb, outcome& result);
void define_logs(CLI::App& verb, outcome& result);
void define_reload(CLI::App& verb, outcome& result);
void define_stop(CLI::App& verb, outcome& result);
void define_warm(CLI::App& verb, outcome& result);
void define_cool(CLI::App& verb, outcome& result);
void define_rollout(CLI::App& verb, outcome& result);
void define_routing(CLI::App& verb, outcome& result);
void define_rollback(CLI::App& verb, outcome& result);
void define_simulate(CLI::App& verb, outcome& result);
void define_chaos(CLI::App& verb, outcome& result);
void define_config(CLI::App& verb, outcome& result);
void define_tune(CLI::App& verb, outcome& result);
void define_diagnose(CLI::App& verb, outcome& result);
void define_report(CLI::App& verb, outcome& result);
void define_backup(CLI::App& verb, outcome& result);
void define_restore(CLI::App& verb, outcome& result);
void define_export(CLI::App& verb, outcome& result);
void define_version(CLI::App& verb, outcome& result);

std::span<const verb_entry> verb_table() {
  static constexpr auto table = std::to_array<verb_entry>({
      {"serve", group::run, define_serve},
      {"demo", group::run, define_demo},
      {"submit", group::work, define_submit},
      {"load", group::work, define_load},
      {"replay", group::work, define_replay},
      {"status", group::watch, define_status},
      {"health", group::watch, define_health},
      {"metrics", group::watch, define_metrics},
      {"specialists", group::watch, define_specialists},
      {"tasks", group::watch, define_tasks},
      {"alerts", group::watch, define_alerts},
      {"events", group::watch, define_events},
      {"verify", group::watch, define_verify},
      {"predict", group::watch, define_predict},
      {"workflows", group::watch, define_workflows},
      {"logs", group::watch, define_logs},
      {"reload", group::change, define_reload},
      {"stop", group::change, define_stop},
      {"warm", group::change, define_warm},
      {"cool", group::change, define_cool},
      {"rollout", group::change, define_rollout},
      {"routing", group::change, define_routing},
      {"rollback", group::change, define_rollback},
      {"simulate", group::study, define_simulate},
      {"chaos", group::study, define_chaos},
      {"config", group::change, define_config},
      {"tune", group::watch, define_tune},
      {"diagnose", group::study, define_diagnose},
      {"report", group::study, define_report},
      {"backup", group::change, define_backup},
      {"restore", group::change, define_restore},
      {"export", group::study, define_export},
      {"version", group::study, define_version},
  });
  return table;
}

}  // namespace greenroom::apps
