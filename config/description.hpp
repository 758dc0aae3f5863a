// The keys of every component, described once: the loader, the writer, the overrides and the
// documentation all visit these functions, so that none of them can miss a key.
//
// An archive has
//   field(key, value, meaning, rule)   one scalar, or a list of texts
//   expanded(key, value, meaning)      texts in which `${NAME}` stands for the environment
//   size(key, value, meaning, rule)    bytes
//   section(key, value, meaning)       a component of its own
//   named(key, list, meaning)          a list of components that each have a unique `name`
//   table(key, map, meaning)           components by a key that the operator chooses
#pragma once

#include "config/node.hpp"
#include "config/rule.hpp"

#include <cstdint>

namespace greenroom::config {

/// Upper limit of every count; a larger number is a typing error.
constexpr double many = 10'000'000;
constexpr double megabytes_max = 1e9;  ///< More than any machine has.
constexpr double ratio_max = 1e6;      ///< A larger response ratio would never be exceeded.

template <class Archive>
void describe(Archive& a, scheduler& v) {
  a.field("threads", v.threads, "CAF worker threads; 0: chosen from the machine", within(0, 1024));
  a.field("max_throughput", v.max_throughput, "messages an actor handles before the next one",
          within(1, many));
}

template <class Archive>
void describe(Archive& a, pool& v) {
  a.field("mode", v.mode, "intelligent, or baseline: every specialist always warm");
  a.field("policy", v.policy,
          "who is warm: greenroom, by what is learnt, or lru, by the last use; read at start");
  a.field("max_warm", v.max_warm, "specialists warm at once, at most", within(1, many));
  a.field("memory_budget_mb", v.memory_budget_mb, "hard cap on measured memory; 0: none",
          within(0, megabytes_max));
  a.field("target_memory", v.target_memory, "mean share of always-warm to aim at; 0: none", share);
  a.field("min_residency", v.min_residency,
          "a worker is not evicted earlier than this after its start; auto: twice its measured "
          "start time, at most 2s",
          at_least(0));
  a.field("cooldown", v.cooldown, "idle time after which a specialist may cool", at_least(0));
  a.field("warm_threshold", v.warm_threshold, "how likely the next use has to be to warm ahead",
          within(0.2, 0.6));
  a.field("adaptive", v.adaptive, "whether threshold and slots follow hit rate and memory");
  a.field("warming_concurrency", v.warming_concurrency, "starts under way at once",
          within(1, many));
}

template <class Archive>
void describe(Archive& a, prediction& v) {
  a.field("window", v.window, "recent tasks that are looked at as a sequence", within(1, many));
  a.field("batch_size", v.batch_size, "specialists warmed ahead per review, at most",
          within(1, many));
  a.field("usage_decay", v.usage_decay, "share of old observations forgotten per new one", share);
}

template <class Archive>
void describe(Archive& a, queue& v) {
  a.field("per_specialist", v.per_specialist, "tasks that may wait for one specialist",
          within(1, many));
  a.field("total", v.total, "tasks that may wait in all", within(1, many));
  a.size("input_bytes", v.input_bytes, "large inputs (over 4 KiB) that may be in the node in all",
         within(1, double{1ULL << 40U}));
  a.size("output_bytes", v.output_bytes,
         "large outputs (over 4 KiB) that no caller or journal has yet, in all; beyond it no task "
         "is accepted",
         within(1, double{1ULL << 40U}));
}

template <class Archive>
void describe(Archive& a, limits& v) {
  constexpr auto gibibyte = double{1 << 30};
  a.size("request_bytes", v.request_bytes, "largest request body", within(1, gibibyte));
  constexpr auto tebibyte = double{1ULL << 40U};
  constexpr auto kibibyte = double{1 << 10};
  a.size("output_bytes", v.output_bytes, "largest output of a worker, as its caller gets it",
         within(1, gibibyte));
  a.size("error_bytes", v.error_bytes, "longest error message of a worker; the rest is cut off",
         within(256, gibibyte));
  a.field("json_depth", v.json_depth, "deepest nesting of JSON from outside", within(1, 512));
  a.field("connections", v.connections, "open HTTP connections; fewer when open files are scarce",
          within(1, 1'000'000));
  a.size("upload_bytes", v.upload_bytes, "request bodies that have not arrived whole, in all",
         within(kibibyte, tebibyte));
  a.size("unsent_bytes", v.unsent_bytes, "answers that their clients have not read, in all",
         within(kibibyte, tebibyte));
  a.size("page_bytes", v.page_bytes, "one page of a list; outputs over 1/16 of it are left out",
         within(kibibyte * 16, gibibyte));
  a.field("state_requests", v.state_requests, "lists, views and look-ups that wait for their turn",
          within(1, many));
  a.size("event_log_bytes", v.event_log_bytes, "events kept for replays, 4096 of them at most",
         within(kibibyte * 64, gibibyte));
  a.field("event_readers", v.event_readers, "open GET /v1/events", within(1, many));
  a.field("key_waiters", v.key_waiters,
          "callers that repeated an idempotency key and wait for its task", within(1, many));
  a.field("key_waiters_per_task", v.key_waiters_per_task, "the same, for one task",
          within(1, many));
  a.size("key_waiter_bytes", v.key_waiter_bytes, "the memory of these callers, in all",
         within(kibibyte, tebibyte));
  a.field("header_timeout", v.header_timeout, "time for a client to send its headers", at_least(1));
  a.field("idle_timeout", v.idle_timeout, "time until a silent connection is closed", at_least(1));
}

template <class Archive>
void describe(Archive& a, access& v) {
  a.field("hosts", v.hosts,
          "names by which clients may ask the node, besides localhost and addresses",
          shaped(rule::form::host));
  a.field("origins", v.origins, "web pages that may send requests, SCHEME://HOST[:PORT]",
          shaped(rule::form::origin));
}

template <class Archive>
void describe(Archive& a, journal& v) {
  a.field("keep_finished", v.keep_finished, "how long finished tasks are kept", at_least(0));
  a.size("max_bytes", v.max_bytes,
         "size of the journal; beyond it finished tasks are deleted earlier",
         within(double{16 << 20}, double{1ULL << 50U}));
  a.field("fsync", v.fsync, "wait for the disk before acknowledging");
  a.field("sync_tasks", v.sync_tasks, "journal sync tasks too");
}

template <class Archive>
void describe(Archive& a, retry& v) {
  a.field("max_attempts", v.max_attempts, "tries of one task, the first included", within(1, 1000));
  a.field("base", v.base, "delay before the second try; doubles with each", at_least(0));
  a.field("max", v.max, "largest delay", at_least(0));
  a.field("jitter", v.jitter, "random share of the delay", share);
}

template <class Archive>
void describe(Archive& a, breaker& v) {
  a.field("failures", v.failures,
          "consecutive failures that open a specialist's circuit; two with 1.5 s between them do "
          "so, too",
          within(1, many));
  a.field("open", v.open, "how long an open circuit refuses tasks before a probe", at_least(1));
  a.field("half_open_probes", v.half_open_probes, "tasks that pass as probes of an open circuit",
          within(1, many));
}

template <class Archive>
void describe(Archive& a, supervision& v) {
  a.field("restarts_max", v.restarts_max,
          "restarts within the window before the supervisor gives up", within(0, many));
  a.field("window", v.window, "the window", at_least(1));
  a.field("delay", v.delay, "before a restart; doubles with each in the window", at_least(0));
}

template <class Archive>
void describe(Archive& a, rollout_criteria& v) {
  a.field("memory_efficiency", v.memory_efficiency,
          "lowest memory efficiency that passes the shadow phase", share);
  a.field("error_rate", v.error_rate, "highest share of failed tasks that passes", share);
  a.field("response_ratio", v.response_ratio, "highest mean response ÷ baseline that passes",
          within(0, ratio_max));
  a.field("response_slack", v.response_slack,
          "a mean response this much above the baseline passes whatever the ratio; 0: only the "
          "ratio decides",
          at_least(0));
}

template <class Archive>
void describe(Archive& a, rollout_confirmations& v) {
  a.field("leave_shadow", v.leave_shadow, "wait for `rollout advance` before the first percentage");
  a.field("raise_percentage", v.raise_percentage,
          "wait for `rollout advance` before each higher percentage");
  a.field("go_full", v.go_full, "wait for `rollout advance` before FULL_DEPLOYMENT");
  a.field("complete", v.complete,
          "wait for `rollout advance` before COMPLETE, when the baseline may cool");
}

template <class Archive>
void describe(Archive& a, rollout& v) {
  a.field("check_interval", v.check_interval, "time between two judgements", at_least(1));
  a.field("grace", v.grace, "how long a trigger must hold", at_least(0));
  a.field("shadow_hold", v.shadow_hold, "least time in the shadow phase", at_least(0));
  a.field("step_hold", v.step_hold, "least time at each percentage", at_least(0));
  a.field("full_hold", v.full_hold, "least time in FULL_DEPLOYMENT; 0: as step_hold", at_least(0));
  a.field("optimization_hold", v.optimization_hold, "least time in OPTIMIZATION; 0: as step_hold",
          at_least(0));
  a.field("hold_limit", v.hold_limit, "a stage that has not passed by then fails; 0: it waits",
          at_least(0));
  a.field("min_samples", v.min_samples, "the least number of tasks in a phase", within(0, many));
  a.section("criteria", v.criteria, "what the shadow phase has to show; 0 asks for nothing");
  a.field("ignore", v.ignore,
          "fields of outputs that are not compared: server.pid, items[].id, **.host");
  a.section("confirm", v.confirm, "where it waits for an operator although it passes");
}

template <class Archive>
void describe(Archive& a, rollback& v) {
  a.field("automatic", v.automatic,
          "true: by itself; false: only reported; ask: waits for `rollback --confirm`");
  a.field("error_rate", v.error_rate, "share of failed tasks above which the node rolls back",
          share);
  a.field("response_ratio", v.response_ratio,
          "mean response ÷ baseline above which the node rolls back", within(0, ratio_max));
  a.field("memory_use", v.memory_use, "share of the memory budget above which the node rolls back",
          share);
  a.field("memory_efficiency", v.memory_efficiency,
          "memory efficiency below which the node rolls back", share);
  a.field("health", v.health, "health score below which the node rolls back", share);
  a.field("critical_alerts", v.critical_alerts, "rolls back when a critical alert lasts longer",
          at_least(0));
  a.field("success_rate", v.success_rate,
          "share of tasks that succeed below which the node rolls back", share);
  a.field("worker_memory", v.worker_memory,
          "workers' memory ÷ that of the same baseline workers above which the node rolls back; 0: "
          "not watched",
          at_least(0));
  a.field("min_samples", v.min_samples, "fewer tasks give no rate and no time", within(1, many));
  // The whole rollback may take 30 s.
  a.field("drain", v.drain, "a task that runs longer after the switch is cut off and run again",
          within(0, 18'000));
  a.field("planned_drain", v.planned_drain, "the same for a planned rollback", at_least(0));
  a.field("lower_hold", v.lower_hold, "planned: time at each lower percentage", at_least(0));
}

template <class Archive>
void describe(Archive& a, alerts& v) {
  a.field("webhooks", v.webhooks, "URLs that get each alert as JSON", shaped(rule::form::http_url));
}

template <class Archive>
void describe(Archive& a, log& v) {
  a.field("level", v.level, "the least important line that is written");
  a.field("format", v.format, "text for people, json for programs");
}

template <class Archive>
void describe(Archive& a, cost& v) {
  a.field("usd_per_mb_month", v.usd_per_mb_month, "price of memory, for the saving shown",
          within(0, 1e6));
}

template <class Archive>
void describe(Archive& a, route& v) {
  a.field("department", v.department, "the department that answers");
  a.field("specialist", v.specialist, "or the specialist that answers");
  a.field("probe", v.probe,
          "the input with which a rollback verifies the command, JSON; empty: a harmless default");
}

template <class Archive>
void describe(Archive& a, backend& v) {
  a.field("kind", v.kind, "process, http or function");
  a.field("protocol", v.protocol, "what a process speaks: jsonl, msgpack or mcp");
  a.expanded("command", v.command, "program and arguments");
  a.expanded("env", v.env, "variables added to the worker's environment");
  a.expanded("cwd", v.cwd, "the worker's working directory");
  a.expanded("url", v.url, "http: where the server listens");
  a.expanded("headers", v.headers, "http: sent with every request, such as Authorization");
  a.field("health", v.health, "http: the path that says when it is ready",
          shaped(rule::form::url_path));
  a.field("path", v.path, "http: where tasks are posted", shaped(rule::form::url_path));
  a.field(
      "listener", v.listener,
      "http with a command: own (a process of the command holds the port) or any (a container)");
  a.field("concurrency", v.concurrency, "tasks in one worker at a time", within(1, many));
  a.field("side_effects", v.side_effects,
          "none, idempotent or unsafe (never retried by itself); by_protocol: idempotent, but for "
          "mcp by the tool's annotations, and unsafe where nothing is known of it");
  a.field("start_timeout", v.start_timeout, "from start to ready", at_least(1));
  a.field("task_timeout", v.task_timeout,
          "the whole task, waiting and retries included; auto: 30s, and start_timeout more when it "
          "waits for a start",
          at_least(1));
  a.field("attempt_timeout", v.attempt_timeout,
          "process, http: one attempt, then it is tried again; 0: as long as the task has",
          at_least(0));
  a.field("stop_timeout", v.stop_timeout, "from TERM to KILL", at_least(0));
}

/// All keys of a specialist except its name: these keys are also allowed in `defaults`.
template <class Archive>
void describe_but_name(Archive& a, specialist& v) {
  a.field("priority", v.priority, "weight for warm slots and queues: high, medium or low");
  a.field("memory_mb", v.memory_mb, "nominal; measured when it runs", within(0, megabytes_max));
  a.field("pin", v.pin, "always warm, outside the budget");
  a.field("aliases", v.aliases, "other names for it");
  a.field("fallback", v.fallback, "the specialist that answers while this one fails");
  a.section("backend", v.backend, "the worker");
}

template <class Archive>
void describe(Archive& a, specialist& v) {
  a.field("name", v.name, "name, unique in the cast");
  describe_but_name(a, v);
}

template <class Archive>
void describe(Archive& a, restart& v) {
  a.field("strategy", v.strategy, "one_for_one, one_for_all or rest_for_one");
  a.field("intensity", v.intensity, "default: supervision.restarts_max", within(0, many));
  a.field("window", v.window, "default: supervision.window", at_least(1));
}

template <class Archive>
void describe(Archive& a, department& v) {
  a.field("name", v.name, "name, unique among the departments");
  a.section("restart", v.restart, "the supervisor's patience with its specialists");
  a.named("specialists", v.specialists, "its members");
}

template <class Archive>
void describe(Archive& a, workflow& v) {
  a.field("name", v.name, "name, unique among the workflows");
  a.field("steps", v.steps, "specialists; each one's output is the next one's input");
}

template <class Archive>
void describe(Archive& a, node& v) {
  std::size_t version = 1;
  a.field("version", version, "version of this file format", within(1, 1));
  a.field("profile", v.profile, "the name that status, metrics and reports show");
  a.field("listen", v.listen, "ADDR:PORT; port 0 picks a free one", shaped(rule::form::endpoint));
  a.field("data_dir", v.data_dir, "the journal and learned state");
  a.field("shutdown_grace", v.shutdown_grace, "time for accepted tasks to finish", at_least(0));
  a.field("health_interval", v.health_interval, "time between two health checks", at_least(1));
  a.field("io_threads", v.io_threads, "threads that serve pipes and sockets", within(1, 1024));
  a.section("scheduler", v.scheduler, "how actors share the processors");
  a.section("pool", v.pool, "who is kept warm");
  a.section("prediction", v.prediction, "what the predictor remembers");
  a.section("queue", v.queue, "how many tasks may wait");
  a.section("limits", v.limits, "bounds on one client or worker");
  a.section("access", v.access, "who may ask");
  a.section("journal", v.journal, "what survives the process");
  a.section("retry", v.retry, "of failed tasks");
  a.section("breaker", v.breaker, "circuit breaker of one specialist");
  a.section("supervision", v.supervision, "of departments by the root");
  a.section("rollout", v.rollout, "how the intelligent pool takes over");
  a.section("rollback", v.rollback, "when the baseline takes over again");
  a.section("alerts", v.alerts, "where they are sent");
  a.section("log", v.log, "to stderr");
  a.section("cost", v.cost, "for reports");
  a.table("commands", v.commands, "words that users type, and who answers");
  a.named("departments", v.departments, "the cast");
  a.named("workflows", v.workflows, "chains of tasks");
}

}  // namespace greenroom::config
