#include "apps/workers/corpus.hpp"

#include "protocols/base/hash.hpp"

#include <algorithm>
#include <iterator>

namespace greenroom::workers {
namespace {

struct subject {
  std::string_view department;
  std::string_view words;
};

constexpr subject subjects[] = {
    {"BACKEND", "api endpoint schema query transaction queue cache session idempotent pagination"},
    {"FRONTEND", "component render hydration stylesheet viewport hook router accessibility bundle"},
    {"MOBILE", "android ios gesture navigation offline push battery simulator release store"},
    {"FULLSTACK", "feature prototype integration contract migration form upload login dashboard"},
    {"DATA_ENGINEERING", "pipeline ingestion warehouse partition lineage backfill stream parquet"},
    {"ML_AI", "training inference embedding gradient dataset prompt evaluation drift tokenizer"},
    {"ANALYTICS", "funnel cohort retention attribution segment metric dashboard experiment"},
    {"DATA_SCIENCE", "regression hypothesis sample variance feature notebook forecast outlier"},
    {"DEVOPS", "deployment rollback container manifest artifact runner canary secret helm"},
    {"CLOUD", "region bucket instance subnet quota autoscaling billing identity landing"},
    {"INFRASTRUCTURE", "kernel network firewall storage hypervisor dns certificate rack"},
    {"MONITORING", "alert trace log span threshold dashboard latency incident pager"},
    {"SECURITY", "vulnerability exploit token encryption audit injection permission threat"},
    {"TESTING", "assertion fixture regression coverage flaky mock snapshot boundary"},
    {"QUALITY", "review lint complexity standard defect checklist refactoring readability"},
    {"DESIGN", "palette typography layout wireframe persona spacing contrast prototype"},
    {"PERFORMANCE", "profiler allocation throughput contention percentile hotspot cache"},
    {"ARCHITECTURE", "boundary coupling decision module event consistency tradeoff diagram"},
    {"RESEARCH", "paper survey baseline ablation benchmark citation replication finding"},
};

constexpr std::string_view shared_words =
    "when the service starts it reads a list of names and checks each one before use because an "
    "error found late costs more than one found early so every change needs a test that fails "
    "first and a note for whoever comes next keep small steps measure what users wait for prefer "
    "plain words write down limits watch memory time and load then remove what nobody needs most "
    "problems come from two parts that assume different things about order size or ownership "
    "node worker task team client server request answer version branch file line value state "
    "worst best typical slow fast large tiny public private stable fresh old current next last";

void add_words(std::string_view text, std::vector<std::string>& to) {
  while (!text.empty()) {
    const auto end = std::min(text.find(' '), text.size());
    std::string word{text.substr(0, end)};
    if (std::find(to.begin(), to.end(), word) == to.end()) to.push_back(std::move(word));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

}  // namespace

corpus::corpus(std::string_view department) : random_{base::fnv1a(department)} {
  for (const auto& one : subjects)
    if (one.department == department) add_words(one.words, words_);
  own_ = static_cast<std::uint32_t>(words_.size());
  add_words(shared_words, words_);
  // A user's own department has no subject here; its documents use the shared words only.
  if (own_ == 0) own_ = 16;
}

std::uint32_t corpus::below(std::uint32_t bound) {
  return static_cast<std::uint32_t>((random_.next() >> 32) * bound >> 32);
}

void corpus::next(std::vector<std::uint16_t>& document) {
  document.clear();
  const auto topic = below(own_);
  const auto length = 40 + below(60);
  for (std::uint32_t i = 0; i < length; ++i) {
    const auto dice = below(10);
    // The minimum of two draws makes words early in the list more frequent, as in real text.
    const auto all = static_cast<std::uint32_t>(words_.size());
    const auto word = dice == 0  ? topic
                      : dice < 3 ? below(own_)
                                 : own_ + std::min(below(all - own_), below(all - own_));
    document.push_back(static_cast<std::uint16_t>(word));
  }
}

}  // namespace greenroom::workers
