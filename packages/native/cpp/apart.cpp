#include "apart.h"

#if defined(__linux__)
#include <pthread.h>
#include <sched.h>
#endif

namespace onebit {

#if defined(__linux__)
void Apart::keep(std::vector<std::thread>& threads) {
  if (threads.empty()) return;
  const int processor = sched_getcpu();
  if (processor == processor_) return;
  processor_ = processor;
  // The caller's are those that the process was given; the workers' have changed since.
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
  if (CPU_COUNT(&allowed) <= static_cast<int>(threads.size())) return;
  CPU_CLR(processor, &allowed);
  for (std::thread& thread : threads) pthread_setaffinity_np(thread.native_handle(), sizeof allowed, &allowed);
}
#else
void Apart::keep(std::vector<std::thread>&) {}
#endif

}  // namespace onebit
