// The demo's display: the warm specialists of every department, and the counters.
#pragma once

#include "apps/client/terminal.hpp"
#include "apps/demo/phase.hpp"

#include <string>

namespace greenroom::apps {

/// On a terminal a block that is redrawn in place; elsewhere a line every few seconds.
class stage {
public:
  stage(std::string title, bool silent) : title_{std::move(title)}, silent_{silent} {}
  void say(const std::string& what);
  void show(const phase_progress& now);
  void finish();

private:
  std::string title_;
  bool silent_;
  int lines_said_ = 0;
  std::string last_said_;
  live_block block_;
};

}  // namespace greenroom::apps
