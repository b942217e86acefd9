// A compiled step as the kernels see it: plain data, so that every translation unit, whatever
// instruction set it is compiled for, shares nothing but these declarations.
#pragma once
#include <cstddef>
#include <cstdint>

#include "micro-ops.h"

namespace onebit {

/** Output channels that are computed side by side: one vector of 16 lanes, or several shorter. */
constexpr int kLanes = 16;
/** Pixels of a row that pass through an epilogue together: a tile is 28 x 16 floats. */
constexpr int kSegment = 28;
/** Blocks of 16 channels whose accumulators a kernel may compute in one go. */
constexpr int kMaxBlocks = 4;
constexpr int kTileFloats = kSegment * kLanes;

/**
 * bfloat16: a map of bfloat16 numbers, the upper halves of floats. integers: a map of 16-bit ones, which
 * compilation makes of some.
 */
enum class ValueKind : int32_t { map, bits, vector, bfloat16, integers };
/** Of an element; of bits, a word. */
static inline int32_t bytesOf(ValueKind kind) {
  return kind == ValueKind::bfloat16 || kind == ValueKind::integers ? 2 : 4;
}
enum class StepKind : int32_t { binaryConv, conv, linear, pool, pointwise, quantise, shuffle };

/**
 * Where a value lies in the arena: element (y, x, c) is
 * y * row + x * pixel + c / 16 * block + c % 16 elements after pixel (0, 0). Maps that nothing but
 * epilogues touches lie in blocks of 16 channels, which makes their reading and writing sequential;
 * elsewhere block = 16. Elements are floats, bfloat16 numbers, 16-bit integers, or 32-bit words of bits
 * (least significant bit first; pixel words each). A vector that is broadcast has row = pixel = 0.
 */
struct Place {
  size_t offset;
  int64_t row, block;
  int32_t pixel;
  int32_t channels;
  ValueKind kind;
  int64_t jump = 0;
};

/** Micro-ops on the value at hand: those of the table, then those that compilation adds. */
enum class Code : int32_t {
#define ONEBIT_NAME(name, ...) name,
  ONEBIT_MICRO_OPS(ONEBIT_NAME, ONEBIT_NAME)
#undef ONEBIT_NAME
  /** The step's floats. */
  accumulator,
  /** base - 2 * counts of a binary convolution. */
  counts,
  keep,
  take,
  /** Where the value at hand is the second operand. */
  mixInto,
  maxInto,
  minInto,
  storeIntegers,
  /** To bfloat16, as storing into such a map does. */
  narrow,
};

/** s, t: per-channel vectors in the order of the operands, with room for 16 floats after the last. */
struct MicroOp {
  Code code;
  /** keep and take; for an op of two values the other one, or -1 where it lies at `place`. */
  int32_t tile;
  Place place;
  /** First channel of the slice that is written. */
  int32_t offset;
  const float* s;
  const float* t;
  float low, high;
  /** bits and sign: r >= t, not r > t. */
  bool orEqual;
  /** mean: row sums [height][sumStride]. */
  size_t sumOffset;
  int32_t sumStride;
};

/** Up to 16 output channels of one group. */
struct Block {
  int32_t first, lanes, group;
};

/**
 * Weights of 16 channels: 32-bit words; nibbles, one per byte; or, for kernels of bytes, 64-bit words
 * of 4 bits of each channel.
 */
enum class PanelFormat : int32_t { words, nibbles, bytes };

/**
 * A byte per bit, 0 or 1, [plane][row][pixel][channels]: bytes from one to the next. What is read
 * together lies together: 64 channels of each pixel, where pixels hold nothing else, in a plane of
 * their own. Pixels that lie kilobytes apart share few lines of the cache.
 */
struct Spread {
  int64_t plane, row, pixel;
};
static inline int32_t spreadPlanes(int32_t words) { return words % 2 == 0 ? words / 2 : 1; }

struct StepJob {
  StepKind kind;
  Place input;
  int32_t inputHeight, inputWidth;
  /** Of the output. */
  int32_t height, width, channels;
  int32_t kernel[2], stride[2], padding[2], end[2], dilation[2];
  int32_t groups;
  /** Groups of a block: see groupsTogether. */
  int32_t groupsTogether;
  bool average;
  const Block* blocks;
  int32_t blockCount;
  /** Of its blocks, see parts.h. */
  int32_t parts;
  /** Weights re-tiled for the instruction set, block after block. */
  const unsigned char* panels;
  size_t panelBytes;
  /**
   * Byte kernels: pixels of a tile, and from one row of outputs to the next. With stride 1 tiles run
   * on over the border between rows, whose counts nobody reads.
   */
  int32_t tilePixels, pitch;
  /** Consecutive words (binary) or floats (real) of one kernel row and of one position of it. */
  int32_t rowLength, positionLength;

  // Binary convolution: accumulator = base[row class][column class][channel] - 2 * (bits that differ).
  const int32_t* base;
  int32_t baseStride, columnClasses;
  const int32_t* rowClass;
  const int32_t* columnClass;
  PanelFormat format;
  /**
   * The input in another form, made before the step: [group][row][pixel][words of its own]; with groups, with
   * a border that replicates, or where columns are dilated. Then `pixel` is that of an output, and
   * has the words of all kernel columns side by side.
   */
  bool repack, replicate, unrolled;
  Place packed;
  size_t packedGroup;
  /** Byte kernels: a task's input, in its scratch. */
  Spread spread;
  size_t spreadBytes;

  // Quantise: arena offset of the lows of all channels, then, rangeStride floats on, of the ranges.
  float clip, levels;
  bool perChannel;
  size_t ranges;
  int32_t rangeStride;

  /** Shuffle: of each output channel, elements from a pixel's first (of bits, bits); -1: a zero. */
  const int64_t* places;
  /** Of a shuffle of bits: all that its micro-ops do is to write them. */
  bool copies;

  const MicroOp* ops;
  int32_t opCount;
};

/**
 * What one thread works with. tiles: kMaxBlocks accumulators, then those that micro-ops keep.
 * scratch: for byte kernels, see count_amx.h. part, rowBegin, rows: of the task under way.
 */
struct Frame {
  char* arena;
  float* tiles;
  char* scratch;
  int32_t part, rowBegin, rows;
};

/** Blocks of channels that byte kernels take together. */
constexpr int kSpreadBlocks = 2;
/** Longest window of byte kernels, in chunks of 64 channels: longer ones are counted in words. */
constexpr int kMostChunks = 256;
/** Pixels of a row that byte kernels take together, at most. */
constexpr int kTilePixels = 16;
/** Pixels of all tiles of some rows of a byte kernel; the last tile may look past the end. */
static inline int64_t tilePixelsOf(const StepJob& job, int32_t rows) {
  const int64_t pixels = int64_t{rows - 1} * job.pitch + job.width;
  return (pixels + job.tilePixels - 1) / job.tilePixels * job.tilePixels;
}
/** Rows of the input that so many rows of the output need. */
static inline int32_t spreadRows(const StepJob& job, int32_t rows) {
  return (rows - 1) * job.stride[0] + job.kernel[0];
}
/** Weights of a chunk and a block as bytes, and of all that byte kernels hold at a time. */
constexpr size_t kChunkBytes = 1024;
constexpr size_t kSpreadBytes = kSpreadBlocks * 9 * kChunkBytes;

struct Task {
  int32_t part, rowBegin, rowEnd, blockBegin, blockEnd;
};

/** Means of a register: row sums [height][sumStride] lie in the arena, the result goes into a vector. */
struct Mean {
  size_t sums;
  int32_t sumStride, height, width, channels;
  Place vector;
  int32_t offset;
};

/** The kernels of one instruction set. */
struct Isa {
  const char* name;
  /** How bits are counted. */
  const char* counting;
  /** Of binary convolutions; with groups, bytes become words. */
  PanelFormat format;
  /** Whether making a map again (remake.h) costs less than moving it: decision 0010. */
  bool remakes;
  void (*run)(const StepJob& job, const Frame& frame, const Task& task);
  void (*finishMean)(const Mean& mean, char* arena);
  /** Of rows and a query: see kernels/distances.h. */
  void (*hamming)(const char* query, const char* rows, size_t count, size_t words, int32_t* to);
  void (*dots)(const float* query, const float* rows, size_t count, size_t floats, float* to);
};

const Isa* scalarKernels();
const Isa* avx2Kernels();
const Isa* avx512Kernels();
const Isa* amxKernels();
const Isa* neonKernels();

}  // namespace onebit
