// Epilogues from numbered registers to a value at hand.
#pragma once
#include "constants.h"
#include "layout.h"
#include "program.h"

namespace onebit {

/** Per-channel tensors with room for a whole block after the last channel, each copied once. */
class ChannelVectors {
 public:
  ChannelVectors(const Program& program, Constants& constants)
      : program_(program), constants_(constants), copies_(program.tensors.size()) {}

  /** Null for -1. */
  const float* get(int32_t tensor);

 private:
  const Program& program_;
  Constants& constants_;
  std::vector<const float*> copies_;
};

struct EpilogueInput {
  const RawStep& step;
  const Layout& layout;
  /** Arena offsets of the row sums, one per mean. */
  std::vector<size_t> sums;
  int32_t sumStride;
};

struct CompiledEpilogue {
  std::vector<MicroOp> ops;
  /** Tiles in use. */
  int32_t tiles;
};

/**
 * Drops what nobody needs and puts the rest in an order in which most ops take the value that the one
 * before has left in registers: writes follow at once, loads are read where they are wanted, and a
 * register that is needed later is kept in a tile.
 */
CompiledEpilogue compileEpilogue(const EpilogueInput& input, ChannelVectors& vectors);

}  // namespace onebit
