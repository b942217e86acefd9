// Where values lie: one arena, values that are never alive together share memory.
#pragma once
#include <vector>

#include "parts.h"

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
  /** By value id: the whole range, border included; of a map in parts, of each part. */
  std::vector<Range> ranges;
  std::vector<Parting> partings;
  /**
   * By value id: the value whose memory it takes over, or itself. An element-wise step writes a map
   * where the one lay that it reads for the last time: memory that is in cache.
   */
  std::vector<int32_t> homes;
  /** Values to be zeroed before step i. */
  std::vector<std::vector<int32_t>> clears;
};

/**
 * Gives values their shape in memory and their lifetimes; addresses come with assignOffsets. apart:
 * no value takes over another's memory.
 */
Layout layOut(const Program& program, const std::vector<Division>& divisions, int32_t threads, bool apart);

/**
 * Largest first, each at the lowest offset free for all of its lifetime. apart: no two ranges share
 * memory, and 64 bytes that nobody uses follow each. Returns the bytes of the arena.
 */
size_t assignOffsets(std::vector<Range*> ranges, bool apart);

}  // namespace onebit
