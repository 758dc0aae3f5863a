// Runs a chaos plan against a node of its own and collects the results.
#pragma once

#include "apps/chaos/chaos_job.hpp"

namespace greenroom::apps {

chaos_result run_chaos(const chaos_job& job);

}  // namespace greenroom::apps
