#include "pool.h"

#include <algorithm>
#include <system_error>

namespace onebit {
namespace {

constexpr int kCountBits = 20;
constexpr uint64_t kCountMask = (uint64_t{1} << kCountBits) - 1;
/** Some 200 microseconds: longer than serial steps, and than a run takes from its announcement. */
constexpr int kSpins = 6000;

int32_t nextOf(uint64_t offer) { return static_cast<int32_t>(offer & kCountMask); }
int32_t endOf(uint64_t offer) { return static_cast<int32_t>((offer >> kCountBits) & kCountMask); }

void pause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace

Pool::Pool(int32_t threads) : offers_(threads) {
  threads_.reserve(offers_.size());
  try {
    for (int32_t worker = 1; worker < threads; worker++)
      threads_.emplace_back([this, worker] { loop(worker); });
  } catch (const std::system_error&) {
    // A limit of the system's: those that there are do the work.
  }
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
  generation_++;
  const int64_t workers = this->threads();
  for (int64_t worker = 0; worker < workers; worker++) {
    const uint64_t begin = static_cast<uint64_t>(tasks * worker / workers);
    const uint64_t end = static_cast<uint64_t>(tasks * (worker + 1) / workers);
    offers_[worker].word = generation_ << (2 * kCountBits) | end << kCountBits | begin;
  }
  if (sleepers_.load() > 0) {
    const std::lock_guard lock(mutex_);
    wake_.notify_all();
  }
  work(0);
  for (int spins = 0; pending_.load() > 0; spins++) {
    if (spins < kSpins)
      pause();
    else
      std::this_thread::yield();
  }
}

void Pool::expect() {
  expected_++;
  if (sleepers_.load() == 0) return;
  const std::lock_guard lock(mutex_);
  wake_.notify_all();
}

bool Pool::claim(Offer& from, int32_t& task) {
  uint64_t offer = from.word.load();
  while (nextOf(offer) < endOf(offer)) {
    if (!from.word.compare_exchange_weak(offer, offer + 1)) continue;
    task = nextOf(offer);
    return true;
  }
  return false;
}

bool Pool::anyLeft() const {
  for (const Offer& from : offers_) {
    const uint64_t offer = from.word.load();
    if (nextOf(offer) < endOf(offer)) return true;
  }
  return false;
}

void Pool::work(int32_t worker) {
  for (size_t i = 0; i < offers_.size(); i++) {
    Offer& from = offers_[(worker + i) % offers_.size()];
    int32_t done = 0;
    for (int32_t task; claim(from, task); done++) run_(context_, task, worker);
    if (done > 0) pending_ -= done;
  }
}

/** False when the pool ends. */
bool Pool::waitForTasks() {
  const auto ready = [this] { return stop_.load() || anyLeft(); };
  for (int spins = 0; spins < kSpins; spins++) {
    if (ready()) return !stop_;
    pause();
  }
  std::unique_lock lock(mutex_);
  const uint32_t before = expected_;
  sleepers_++;
  wake_.wait(lock, [&] { return ready() || expected_ != before; });
  sleepers_--;
  return !stop_;
}

void Pool::loop(int32_t worker) {
  while (waitForTasks()) work(worker);
}

}  // namespace onebit
