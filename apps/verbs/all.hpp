// Every verb of the command line, in the order in which `greenroom --help` shows them.
#pragma once

#include "apps/client/verb.hpp"

namespace greenroom::apps {

void add_serve(CLI::App& program, outcome& result);
void add_demo(CLI::App& program, outcome& result);

void add_submit(CLI::App& program, outcome& result);
void add_load(CLI::App& program, outcome& result);
void add_replay(CLI::App& program, outcome& result);

void add_status(CLI::App& program, outcome& result);
void add_health(CLI::App& program, outcome& result);
void add_metrics(CLI::App& program, outcome& result);
void add_specialists(CLI::App& program, outcome& result);
void add_tasks(CLI::App& program, outcome& result);
void add_alerts(CLI::App& program, outcome& result);
void add_events(CLI::App& program, outcome& result);
void add_verify(CLI::App& program, outcome& result);
void add_predict(CLI::App& program, outcome& result);
void add_workflows(CLI::App& program, outcome& result);

void add_logs(CLI::App& program, outcome& result);
void add_reload(CLI::App& program, outcome& result);
void add_stop(CLI::App& program, outcome& result);
void add_warm(CLI::App& program, outcome& result);
void add_cool(CLI::App& program, outcome& result);
void add_rollout(CLI::App& program, outcome& result);
void add_routing(CLI::App& program, outcome& result);
void add_rollback(CLI::App& program, outcome& result);

void add_simulate(CLI::App& program, outcome& result);
void add_chaos(CLI::App& program, outcome& result);
void add_config(CLI::App& program, outcome& result);
void add_tune(CLI::App& program, outcome& result);
void add_diagnose(CLI::App& program, outcome& result);
void add_report(CLI::App& program, outcome& result);
void add_backup(CLI::App& program, outcome& result);
void add_restore(CLI::App& program, outcome& result);
void add_export(CLI::App& program, outcome& result);
void add_version(CLI::App& program, outcome& result);

}  // namespace greenroom::apps
