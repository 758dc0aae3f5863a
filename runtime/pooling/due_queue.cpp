#include "runtime/pooling/due_queue.hpp"

#include <cassert>

namespace greenroom::runtime {

void due_queue::grow(std::size_t specialists) {
  if (specialists > moments_.size()) moments_.resize(specialists);
}

void due_queue::set_at(std::size_t at, entry one) {
  heap_[at] = one;
  moments_[one.who].at = at;
}

void due_queue::up(std::size_t at) {
  const entry one = heap_[at];
  while (at > 0 && one.no_sooner_s < heap_[(at - 1) / 2].no_sooner_s) {
    set_at(at, heap_[(at - 1) / 2]);
    at = (at - 1) / 2;
  }
  set_at(at, one);
}

void due_queue::down(std::size_t at) {
  const entry one = heap_[at];
  for (;;) {
    std::size_t child = 2 * at + 1;
    if (child >= heap_.size()) break;
    if (child + 1 < heap_.size() && heap_[child + 1].no_sooner_s < heap_[child].no_sooner_s)
      ++child;
    if (!(heap_[child].no_sooner_s < one.no_sooner_s)) break;
    set_at(at, heap_[child]);
    at = child;
  }
  set_at(at, one);
}

void due_queue::take_out_first() {
  moments_[heap_.front().who].at = outside;
  const entry last = heap_.back();
  heap_.pop_back();
  if (heap_.empty()) return;
  set_at(0, last);
  down(0);
}

void due_queue::settle_first() {
  while (!heap_.empty()) {
    const specialist_index who = heap_.front().who;
    moment& its = moments_[who];
    if (its.due_s == its.no_sooner_s) return;
    if (its.due_s == never_s) {
      take_out_first();
    } else {
      heap_.front().no_sooner_s = its.no_sooner_s = its.due_s;
      down(0);
    }
  }
}

void due_queue::set(specialist_index who, double due_s) {
  assert(who < moments_.size());
  moment& its = moments_[who];
  its.due_s = due_s;
  if (its.at == outside) {
    if (due_s == never_s) return;
    its.no_sooner_s = due_s;
    heap_.push_back({due_s, who});
    up(heap_.size() - 1);
  } else if (due_s < its.no_sooner_s) {
    heap_[its.at].no_sooner_s = its.no_sooner_s = due_s;
    up(its.at);
  } else if (its.at == 0) {
    settle_first();
  }
}

specialist_index due_queue::pop() {
  assert(!heap_.empty());
  const specialist_index who = heap_.front().who;
  moments_[who].due_s = never_s;
  take_out_first();
  settle_first();
  return who;
}

}  // namespace greenroom::runtime
