// Threads that share out the tasks of a step. The caller is worker 0 and works too.
#pragma once
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

#include "apart.h"

namespace onebit {

class Pool {
 public:
  /** Runs one task as one of the workers. */
  using Run = void (*)(void* context, int32_t task, int32_t worker);

  /** threads: with the caller; as many of them as the system starts. */
  explicit Pool(int32_t threads);
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  /**
   * Calls run for every task from 0 to tasks - 1, fewer than 2^20, and returns once all are done. Each
   * worker begins with the same share of them every time, whose memory its caches know, and helps
   * the others when it is done.
   */
  void forEach(int32_t tasks, Run run, void* context);

  /** Tasks will come in a moment: wakes the workers, which takes as long as many a task. */
  void expect();

  /** At work, with the caller. */
  int32_t threads() const { return static_cast<int32_t>(threads_.size()) + 1; }

  /** The caller is about to call forEach some times. */
  void begin() { apart_.keep(threads_); }

 private:
  // A worker's own tasks: generation, end and next one in a single word, so that a claim that
  // succeeds is a claim of tasks now on offer; these cannot all end before the claimed one is done.
  struct alignas(64) Offer {
    std::atomic<uint64_t> word{0};
  };

  bool claim(Offer& offer, int32_t& task);
  bool anyLeft() const;
  void work(int32_t worker);
  bool waitForTasks();
  void loop(int32_t worker);

  std::vector<Offer> offers_;
  uint64_t generation_ = 0;
  std::atomic<int32_t> pending_{0};
  std::atomic<int32_t> sleepers_{0};
  std::atomic<bool> stop_{false};
  /** Counts calls of expect. */
  std::atomic<uint32_t> expected_{0};
  Run run_ = nullptr;
  void* context_ = nullptr;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<std::thread> threads_;
  Apart apart_;
};

}  // namespace onebit
