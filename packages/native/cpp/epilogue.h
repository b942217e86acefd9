// Epilogues from registers to tiles.
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
  const std::vector<Value>& values;
  const Layout& layout;
  /** Arena offsets of the row sums, one per mean. */
  std::vector<size_t> sums;
  int32_t sumStride;
};

struct CompiledEpilogue {
  std::vector<MicroOp> ops;
  /** Tiles in use, the accumulator's included. */
  int32_t tiles;
  /** The first op takes the input (pointwise) or the counts (binary convolution) as they are. */
  bool noAccumulator;
};

/**
 * Drops what nobody needs, joins the writes of a register into one op and known sequences of
 * arithmetic into another, and gives registers tiles, which are used again once a register is dead.
 */
CompiledEpilogue compileEpilogue(const EpilogueInput& input, ChannelVectors& vectors);

}  // namespace onebit
