#include "constants.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <string>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace onebit {
namespace {

constexpr size_t kLine = 64;
constexpr size_t kHugePage = size_t{2} << 20;

#if defined(__SANITIZE_ADDRESS__)
// Each constant on its own, so that a read past its end is seen.
constexpr size_t kChunk = 0;
#else
constexpr size_t kChunk = kHugePage;
#endif

[[noreturn]] void throwNoMemory(size_t bytes) {
  throw std::runtime_error("native: no memory for " + std::to_string(bytes >> 20) + " MiB");
}

}  // namespace

Buffer allocateBuffer(size_t bytes) {
  Memory memory(std::malloc(std::max(bytes, size_t{1})));
  if (!memory) throwNoMemory(bytes);
  return {std::move(memory), bytes};
}

Memory allocateZeroed(size_t bytes) {
  const size_t alignment = bytes >= kHugePage / 2 ? kHugePage : kLine;
  const size_t size = roundedUp(std::max(bytes, size_t{1}), alignment);
  void* memory = nullptr;
  if (posix_memalign(&memory, alignment, size) != 0) throwNoMemory(bytes);
#if defined(__linux__) && defined(MADV_HUGEPAGE)
  // Channels of a pixel lie pages apart: few large pages spare address translation.
  if (alignment == kHugePage) madvise(memory, size, MADV_HUGEPAGE);
#endif
  std::memset(memory, 0, bytes);
  return Memory(memory);
}

void* Constants::take(size_t bytes) {
  const size_t size = roundedUp(std::max(bytes, size_t{1}), kLine);
  budget_.take(size);
  bytes_ += size;
  if (size > kChunk / 2) {
    chunks_.push_back(allocateZeroed(size));
    return chunks_.back().get();
  }
  if (size > left_) {
    chunks_.push_back(allocateZeroed(kChunk));
    next_ = static_cast<char*>(chunks_.back().get());
    left_ = kChunk;
  }
  void* taken = next_;
  next_ += size;
  left_ -= size;
  return taken;
}

}  // namespace onebit
