// Threads that share out the tasks of a step. The caller is worker 0 and works too.
#pragma once
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

namespace onebit {

class Pool {
 public:
  /** Runs one task as one of the workers. */
  using Run = void (*)(void* context, int32_t task, int32_t worker);

  /** threads: with the caller. */
  explicit Pool(int32_t threads);
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  /** Calls run for every task from 0 to tasks - 1, in any order; returns once all are done. */
  void forEach(int32_t tasks, Run run, void* context);

 private:
  bool claim(int32_t& task);
  void work(int32_t worker);
  bool waitForTasks();
  void loop(int32_t worker);

  // Generation, number of tasks and next task in one word: a claim that succeeds is a claim of the
  // tasks now on offer, and these cannot end before the claimed one is done.
  std::atomic<uint64_t> offer_{0};
  std::atomic<int32_t> pending_{0};
  std::atomic<int32_t> sleepers_{0};
  std::atomic<bool> stop_{false};
  Run run_ = nullptr;
  void* context_ = nullptr;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<std::thread> threads_;
};

}  // namespace onebit
