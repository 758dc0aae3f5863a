#include "runtime/pooling/due_queue.hpp"

#include <cassert>

namespace greenroom::runtime {

void due_queue::grow(std::size_t specialists) {
  if (specialists <= due_.size()) return;
  due_.resize(specialists, never_s);
  at_.resize(specialists, outside);
}

void due_queue::place(std::size_t at, specialist_index who) {
  heap_[at] = who;
  at_[who] = at;
}

void due_queue::up(std::size_t at) {
  const specialist_index who = heap_[at];
  while (at > 0 && due_[who] < due_[heap_[(at - 1) / 2]]) {
    place(at, heap_[(at - 1) / 2]);
    at = (at - 1) / 2;
  }
  place(at, who);
}

void due_queue::down(std::size_t at) {
  const specialist_index who = heap_[at];
  for (;;) {
    std::size_t child = 2 * at + 1;
    if (child >= heap_.size()) break;
    if (child + 1 < heap_.size() && due_[heap_[child + 1]] < due_[heap_[child]]) ++child;
    if (!(due_[heap_[child]] < due_[who])) break;
    place(at, heap_[child]);
    at = child;
  }
  place(at, who);
}

void due_queue::set(specialist_index who, double due_s) {
  assert(who < due_.size());
  const double before_s = due_[who];
  due_[who] = due_s;
  const std::size_t at = at_[who];
  if (due_s == never_s) {
    if (at == outside) return;
    const specialist_index last = heap_.back();
    heap_.pop_back();
    at_[who] = outside;
    if (last == who) return;
    place(at, last);
    up(at);
    down(at_[last]);
  } else if (at == outside) {
    heap_.push_back(who);
    at_[who] = heap_.size() - 1;
    up(heap_.size() - 1);
  } else if (due_s < before_s) {
    up(at);
  } else {
    down(at);
  }
}

specialist_index due_queue::pop() {
  assert(!heap_.empty());
  const specialist_index who = heap_.front();
  set(who, never_s);
  return who;
}

}  // namespace greenroom::runtime
