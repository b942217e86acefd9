// Where values lie: one arena, values that are never alive together share memory.
#pragma once
#include <vector>

#include "program.h"

namespace onebit {

/** A range of the arena in use from step `first` to step `last`, both included. */
struct Range {
  size_t bytes;
  int32_t first, last;
  size_t offset = 0;
};

struct Layout {
  /** By value id. Maps and bits read by a padded convolution lie inside a border of zeros. */
  std::vector<Place> places;
  /** By value id: the whole range, border included. */
  std::vector<Range> ranges;
  /** Values to be zeroed before step i. */
  std::vector<std::vector<int32_t>> clears;
};

/** Gives values their shape in memory and their lifetimes; addresses come with assignOffsets. */
Layout layOut(const Program& program);

/**
 * Largest first, each at the lowest offset free for all of its lifetime. apart: no two ranges share
 * memory, and 64 bytes that nobody uses follow each. Returns the bytes of the arena.
 */
size_t assignOffsets(std::vector<Range*> ranges, bool apart);

}  // namespace onebit
