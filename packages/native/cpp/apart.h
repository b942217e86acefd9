#pragma once
#include <thread>
#include <vector>

namespace onebit {

/**
 * Keeps threads off the processor that the caller runs on: the system at times wakes two of them on
 * one processor and leaves the other idle, for milliseconds. Linux only.
 */
class Apart {
 public:
  void keep(std::vector<std::thread>& threads);

#if defined(__linux__)
 private:
  /** Where they were last kept off. */
  int processor_ = -1;
#endif
};

}  // namespace onebit
