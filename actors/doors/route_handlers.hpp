// The handlers of all routes, by subject. Each answers its call exactly once.
#pragma once

#include "actors/doors/door.hpp"

namespace greenroom::doors {

// task_routes
void post_task(const door_ptr& door, route_call& call);
void get_task(const door_ptr& door, route_call& call);
void delete_task(const door_ptr& door, route_call& call);
void list_tasks(const door_ptr& door, route_call& call);

// workflow_routes
void run_workflow(const door_ptr& door, route_call& call);
void list_workflows(const door_ptr& door, route_call& call);

// specialist_routes
void list_specialists(const door_ptr& door, route_call& call);
void get_specialist(const door_ptr& door, route_call& call);
void warm_specialist(const door_ptr& door, route_call& call);
void cool_specialist(const door_ptr& door, route_call& call);
void get_worker_lines(const door_ptr& door, route_call& call);
void list_predictions(const door_ptr& door, route_call& call);
void get_recording(const door_ptr& door, route_call& call);

// chat_routes
void post_chat(const door_ptr& door, route_call& call);
void list_models(const door_ptr& door, route_call& call);
void get_model(const door_ptr& door, route_call& call);

// status_routes
void health_live(const door_ptr& door, route_call& call);
void health_ready(const door_ptr& door, route_call& call);
void health_pooling(const door_ptr& door, route_call& call);
void get_status(const door_ptr& door, route_call& call);
void get_metrics(const door_ptr& door, route_call& call);
void get_export(const door_ptr& door, route_call& call);
void get_history(const door_ptr& door, route_call& call);

// event_routes
void list_alerts(const door_ptr& door, route_call& call);
void stream_events(const door_ptr& door, route_call& call);

// control_routes
void get_tuning(const door_ptr& door, route_call& call);
void post_tuning(const door_ptr& door, route_call& call);
void post_reload(const door_ptr& door, route_call& call);
void post_stop(const door_ptr& door, route_call& call);

// rollout_routes
void get_rollout(const door_ptr& door, route_call& call);
void command_rollout(const door_ptr& door, route_call& call);
void get_routing(const door_ptr& door, route_call& call);
void put_routing(const door_ptr& door, route_call& call);

// rollback_routes
void post_rollback(const door_ptr& door, route_call& call);
void post_rollback_verify(const door_ptr& door, route_call& call);
void list_rollbacks(const door_ptr& door, route_call& call);
void get_rollback(const door_ptr& door, route_call& call);

// report_routes
void post_verify(const door_ptr& door, route_call& call);
void get_diagnosis(const door_ptr& door, route_call& call);
void get_report(const door_ptr& door, route_call& call);

// backup_routes
void post_backup(const door_ptr& door, route_call& call);
void get_backup_piece(const door_ptr& door, route_call& call);
void delete_backup(const door_ptr& door, route_call& call);

}  // namespace greenroom::doors
