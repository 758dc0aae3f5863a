// `greenroom predict --evaluate TRACE`: how well the node's sequence model predicts next steps.
#pragma once

#include "runtime/prediction/evaluation.hpp"
#include "runtime/simulation/trace.hpp"

#include <string>
#include <vector>

namespace greenroom::apps {

/// The cases of a trace in the order of their first rows. Requests without a case are omitted.
std::vector<runtime::logged_case> cases_of(const runtime::trace& recorded);

/// Reads the trace (CSV or CSV.gz with a `case` column), evaluates by the protocol of
/// `runtime::evaluate_log`, and prints `{"top1","top2","top3","top1_prefix2_noend", …}` or a table
/// with the reference models. Returns an exit code; errors go to stderr.
int predict_evaluate(const std::string& path, bool as_json);

}  // namespace greenroom::apps
