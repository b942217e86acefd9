// The work of every step in as many parts as there are threads, and the maps with it: what a thread
// wrote lies in memory that no other thread writes, in the cache of its core.
#pragma once
#include <vector>

#include "program.h"

namespace onebit {

/** Rows of the output, or blocks of its channels, that make a part. */
struct Division {
  bool byBlocks;
  int32_t size;
};

/**
 * Rows, the same share of every step for each thread; of small maps blocks of channels, so that
 * weights are read once.
 */
Division divisionOf(const Program& program, const RawStep& step, int32_t threads);

/** How a map lies: whole, or in parts of so many rows or blocks of channels, each in its own region. */
struct Parting {
  enum class Kind { whole, rows, blocks };
  Kind kind = Kind::whole;
  int32_t size = 0;

  bool operator==(const Parting&) const = default;
};

/**
 * By value id: in parts where all steps that touch the value divide it alike. candidates: maps that
 * lie in blocks of channels.
 */
std::vector<Parting> partingsOf(const Program& program, const std::vector<Division>& divisions,
                                const std::vector<bool>& candidates);

}  // namespace onebit
