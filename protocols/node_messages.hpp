// Messages between a node's actors, and their numbers. The interfaces are in the headers below: one
// `caf::typed_actor` for each actor, with one named message for each meaning. Tasks themselves
// travel through rings; these messages are the rare control traffic. All of them can be sent to
// another node.
#pragma once

#include "protocols/control_messages.hpp"
#include "protocols/department_messages.hpp"
#include "protocols/journal_messages.hpp"
#include "protocols/pooling_messages.hpp"
#include "protocols/rollout_messages.hpp"
#include "protocols/slot_messages.hpp"
#include "protocols/supervision_messages.hpp"

#include <caf/all.hpp>

// IDs are positions, and every node must have the same: append at the end, never reorder, never
// remove.
CAF_BEGIN_TYPE_ID_BLOCK(greenroom, caf::first_custom_type_id)
CAF_ADD_TYPE_ID(greenroom, (greenroom::protocols::slot_need))
CAF_ADD_TYPE_ID(greenroom, (greenroom::protocols::slot_grant))
CAF_ADD_TYPE_ID(greenroom, (greenroom::protocols::slot_recall))
CAF_ADD_TYPE_ID(greenroom, (greenroom::protocols::slot_news))
CAF_ADD_TYPE_ID(greenroom, (greenroom::protocols::arrival))
CAF_ADD_TYPE_ID(greenroom, (greenroom::protocols::usage))
CAF_ADD_TYPE_ID(greenroom, (greenroom::protocols::usage_batch))
CAF_ADD_TYPE_ID(greenroom, (greenroom::protocols::worker_news))
CAF_ADD_TYPE_ID(greenroom, (greenroom::protocols::purge))
CAF_ADD_TYPE_ID(greenroom, (greenroom::protocols::memory_survey))
CAF_ADD_TYPE_ID(greenroom, (greenroom::protocols::expected_call))
CAF_ADD_TYPE_ID(greenroom, (greenroom::protocols::expectation_batch))
CAF_ADD_TYPE_ID(greenroom, (greenroom::protocols::settings_changed))
CAF_ADD_TYPE_ID(greenroom, (greenroom::protocols::check_workers))
CAF_ADD_TYPE_ID(greenroom, (greenroom::protocols::reconcile_slots))
CAF_ADD_TYPE_ID(greenroom, (greenroom::protocols::warm_by_hand))
CAF_ADD_TYPE_ID(greenroom, (greenroom::protocols::cool_by_hand))
CAF_ADD_TYPE_ID(greenroom, (greenroom::protocols::hand_over_tasks))
CAF_ADD_TYPE_ID(greenroom, (greenroom::protocols::start_worker))
CAF_ADD_TYPE_ID(greenroom, (greenroom::protocols::stop_worker))
CAF_ADD_TYPE_ID(greenroom, (greenroom::protocols::probe_worker))
CAF_ADD_TYPE_ID(greenroom, (greenroom::protocols::drop_ended_tasks))
CAF_ADD_TYPE_ID(greenroom, (greenroom::protocols::give_back_tasks))
CAF_ADD_TYPE_ID(greenroom, (greenroom::protocols::begin_reviews))
CAF_ADD_TYPE_ID(greenroom, (greenroom::protocols::department_joined))
CAF_ADD_TYPE_ID(greenroom, (greenroom::protocols::predictor_joined))
CAF_ADD_TYPE_ID(greenroom, (greenroom::protocols::report_state))
CAF_ADD_TYPE_ID(greenroom, (greenroom::protocols::arrival_batch))
CAF_ADD_TYPE_ID(greenroom, (greenroom::protocols::state_written))
CAF_ADD_TYPE_ID(greenroom, (greenroom::protocols::state_to_keep))
CAF_ADD_TYPE_ID(greenroom, (greenroom::protocols::state_to_confirm))
CAF_ADD_TYPE_ID(greenroom, (greenroom::protocols::event_to_log))
CAF_ADD_TYPE_ID(greenroom, (greenroom::protocols::commands_posted))
CAF_ADD_TYPE_ID(greenroom, (greenroom::protocols::pool_joined))
CAF_ADD_TYPE_ID(greenroom, (greenroom::protocols::open_pool))
CAF_ADD_TYPE_ID(greenroom, (greenroom::protocols::hand_over_pool))
CAF_ADD_TYPE_ID(greenroom, (greenroom::protocols::restart_worker))
CAF_END_TYPE_ID_BLOCK(greenroom)
