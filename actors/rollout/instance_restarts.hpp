// Baseline workers that are replaced to find out whether an output names its own process.
#pragma once

#include "actors/state/catalog_store.hpp"
#include "actors/state/pool_records.hpp"
#include "actors/state/shadow_traffic.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace greenroom::actors {

/// Only a worker that was started again can show that a difference between two outputs is the
/// process's own. Callers of the baseline pool would wait for that start, so it happens while the
/// worker has no task, and never where a start is long. A task that arrives at that moment keeps
/// the worker; then it is tried again.
class instance_restarts {
public:
  /// Everything must outlive the object.
  instance_restarts(const catalog_store& catalogs, const pool_records& records,
                    const shadow_traffic& shadow)
      : catalogs_{catalogs}, pools_{records}, shadow_{shadow} {}

  /// The next specialist whose baseline worker should be replaced, one at a time.
  [[nodiscard]] std::optional<std::uint32_t> next(double now_s);
  /// Another run of the rollout begins.
  void begin_anew() { tried_.clear(); }

private:
  struct attempts {
    int made = 0;
    double last_s = 0;
  };
  const catalog_store& catalogs_;
  const pool_records& pools_;
  const shadow_traffic& shadow_;
  std::map<std::string, attempts, std::less<>> tried_;  ///< By specialist.
};

}  // namespace greenroom::actors
