#include "pool.h"

#include <algorithm>

namespace onebit {
namespace {

constexpr int kCountBits = 20;
constexpr uint64_t kCountMask = (uint64_t{1} << kCountBits) - 1;
constexpr int32_t kMostTasks = static_cast<int32_t>(kCountMask);
/** Some 50 microseconds: longer than the serial steps between two parallel ones. */
constexpr int kSpins = 2000;

int32_t nextOf(uint64_t offer) { return static_cast<int32_t>(offer & kCountMask); }
int32_t countOf(uint64_t offer) { return static_cast<int32_t>((offer >> kCountBits) & kCountMask); }

void pause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace

Pool::Pool(int32_t threads) {
  for (int32_t worker = 1; worker < threads; worker++) threads_.emplace_back([this, worker] { loop(worker); });
}

Pool::~Pool() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void Pool::forEach(int32_t tasks, Run run, void* context) {
  if (threads_.empty() || tasks <= 1) {
    for (int32_t task = 0; task < tasks; task++) run(context, task, 0);
    return;
  }
  run_ = run;
  context_ = context;
  pending_ = tasks;
  const uint64_t generation = (offer_.load() >> (2 * kCountBits)) + 1;
  offer_ = generation << (2 * kCountBits) | static_cast<uint64_t>(tasks) << kCountBits;
  if (sleepers_.load() > 0) {
    const std::lock_guard lock(mutex_);
    wake_.notify_all();
  }
  work(0);
  for (int spins = 0; pending_.load() > 0; spins++) {
    if (spins < kSpins) pause();
    else std::this_thread::yield();
  }
}

bool Pool::claim(int32_t& task) {
  uint64_t offer = offer_.load();
  while (nextOf(offer) < countOf(offer)) {
    if (!offer_.compare_exchange_weak(offer, offer + 1)) continue;
    task = nextOf(offer);
    return true;
  }
  return false;
}

void Pool::work(int32_t worker) {
  for (int32_t task; claim(task);) {
    run_(context_, task, worker);
    pending_--;
  }
}

/** False when the pool ends. */
bool Pool::waitForTasks() {
  const auto ready = [this] {
    const uint64_t offer = offer_.load();
    return stop_.load() || nextOf(offer) < countOf(offer);
  };
  for (int spins = 0; spins < kSpins; spins++) {
    if (ready()) return !stop_;
    pause();
  }
  std::unique_lock lock(mutex_);
  sleepers_++;
  wake_.wait(lock, ready);
  sleepers_--;
  return !stop_;
}

void Pool::loop(int32_t worker) {
  while (waitForTasks()) work(worker);
}

}  // namespace onebit
