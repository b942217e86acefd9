// A program made ready for one instruction set.
#pragma once
#include <memory>

#include "constants.h"
#include "layout.h"
#include "program.h"

namespace onebit {

struct CompiledStep {
  StepJob job;
  std::vector<Block> blocks;
  std::vector<MicroOp> ops;
  std::vector<Mean> means;
  /** Ranges to be zeroed first. */
  std::vector<Range> clears;
  Division division;
  /** Of a task; a part by blocks is a single one. */
  int32_t taskRows;
  /** Too little work to be shared among threads. */
  bool serial;
};

struct CompiledProgram {
  explicit CompiledProgram(size_t memory) : budget(memory), constants(budget) {}

  Program program;
  Layout layout;
  std::vector<CompiledStep> steps;
  const Isa* isa;
  Budget budget;
  Constants constants;
  /** To be zeroed before the input arrives. */
  std::vector<Range> inputClears;
  /** 64 bytes each that nobody may touch; only with `apart`. */
  std::vector<size_t> guards;
  size_t arenaBytes;
  /** Of each thread. */
  size_t scratchBytes = 0;
  /** That micro-ops keep, of each thread. */
  int32_t tiles;
};

/** Tiles of the accumulators, and so many of micro-ops. */
inline size_t bytesOfTiles(int32_t tiles) { return product(sizeof(float), kTileFloats, sum(kMaxBlocks, tiles)); }

struct CompileOptions {
  int32_t threads;
  /** No two values share memory, guards lie between them: for tests. */
  bool apart;
  /** Bytes that arenas, weights and tables may take together. */
  size_t memory = size_t{1} << 40;
};

/** The tensors' bytes are not needed afterwards. OverBudget where it would take more than it may. */
std::unique_ptr<CompiledProgram> compileProgram(Program program, const Isa* isa,
                                                const CompileOptions& options);

}  // namespace onebit
