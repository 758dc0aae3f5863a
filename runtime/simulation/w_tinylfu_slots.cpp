#include <algorithm>
#include <cmath>
#include <list>
#include <vector>

#include "runtime/simulation/slots.hpp"

namespace greenroom::runtime {
namespace {

constexpr std::size_t halve_after = 10'000;

class w_tinylfu_slots final : public slot_rule {
public:
  w_tinylfu_slots(std::size_t specialists, std::size_t slots)
      : window_max_(std::max<std::size_t>(1, (slots + 50) / 100)),
        protected_max_((slots - std::min(slots, window_max_ + 1)) * 8 / 10),
        counts_(specialists),
        entries_(specialists) {}

  void hit(specialist_index who, std::size_t) override {
    count(who);
    entry& one = entries_[who];
    if (one.where == segment::probation) {
      move(who, segment::guarded);
      if (list_of(segment::guarded).size() > protected_max_) {
        move(list_of(segment::guarded).back(), segment::probation);
      }
    } else {
      move(who, one.where);
    }
  }

  // Only hits are counted: the first use of a residency predicts no second one. One slot of the
  // main part stays free for the specialist that leaves the window.
  void miss(specialist_index who, std::size_t) override {
    insert(who, segment::window);
    // A specialist that leaves the window was admitted: `evict` removed its rival, or there was
    // room.
    while (list_of(segment::window).size() > window_max_) {
      move(list_of(segment::window).back(), segment::probation);
    }
  }

  specialist_index evict(const idle_test& idle) override {
    const specialist_index victim = choose(idle);
    if (victim != nobody) list_of(entries_[victim].where).erase(entries_[victim].at);
    return victim;
  }

private:
  enum class segment : std::uint8_t { window, probation, guarded };
  using order = std::list<specialist_index>;
  struct entry {
    segment where = segment::window;
    order::iterator at;
  };

  order& list_of(segment where) { return lists_[static_cast<std::size_t>(where)]; }

  void insert(specialist_index who, segment where) {
    order& list = list_of(where);
    list.push_front(who);
    entries_[who] = {where, list.begin()};
  }
  void move(specialist_index who, segment where) {
    entry& one = entries_[who];
    order& list = list_of(where);
    list.splice(list.begin(), list_of(one.where), one.at);
    one = {where, list.begin()};
  }

  void count(specialist_index who) {
    ++counts_[who];
    if (++accesses_ < halve_after) return;
    accesses_ = 0;
    for (std::uint32_t& one : counts_) one /= 2;
  }

  specialist_index oldest_idle(segment where, const idle_test& idle) {
    order& list = list_of(where);
    const auto found = std::find_if(list.rbegin(), list.rend(), idle);
    return found == list.rend() ? nobody : *found;
  }

  // Compares the oldest of window and main part: the one with fewer hits is evicted.
  specialist_index choose(const idle_test& idle) {
    specialist_index main = oldest_idle(segment::probation, idle);
    if (main == nobody) main = oldest_idle(segment::guarded, idle);
    const specialist_index entering =
        list_of(segment::window).size() < window_max_ ? nobody : oldest_idle(segment::window, idle);
    if (entering == nobody) return main == nobody ? oldest_idle(segment::window, idle) : main;
    if (main == nobody) return entering;
    return counts_[entering] >= counts_[main] ? main : entering;
  }

  std::size_t window_max_;
  std::size_t protected_max_;
  std::size_t accesses_ = 0;
  std::vector<std::uint32_t> counts_;
  std::vector<entry> entries_;
  order lists_[3];
};

}  // namespace

std::unique_ptr<slot_rule> make_w_tinylfu_slots(std::size_t specialists, std::size_t slots) {
  return std::make_unique<w_tinylfu_slots>(specialists, slots);
}

}  // namespace greenroom::runtime
