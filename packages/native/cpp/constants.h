// Memory that lives as long as a compiled program: weights, vectors, tables.
#pragma once
#include <cstdlib>
#include <memory>
#include <new>
#include <vector>

#include "budget.h"
#include "sizes.h"

namespace onebit {

struct FreeMemory {
  void operator()(void* p) const { std::free(p); }
};

using Memory = std::unique_ptr<void, FreeMemory>;

/** Memory that holds anything. */
struct Buffer {
  Memory memory;
  size_t bytes = 0;
};

Buffer allocateBuffer(size_t bytes);

/** Zeroed; aligned to a cache line, large ones to a large page. */
Memory allocateZeroed(size_t bytes);

class Constants {
 public:
  explicit Constants(Budget& budget) : budget_(budget) {}

  /** Zeroed, aligned to a cache line. */
  template <typename T>
  T* allocate(size_t count) {
    return static_cast<T*>(take(product(count, sizeof(T))));
  }

  size_t bytes() const { return bytes_; }

 private:
  void* take(size_t bytes);

  Budget& budget_;
  std::vector<Memory> chunks_;
  char* next_ = nullptr;
  size_t left_ = 0;
  size_t bytes_ = 0;
};

}  // namespace onebit
