// The program as JavaScript hands it over: one list of integers and the tensors it names.
#pragma once
#include <cstdint>
#include <vector>

#include "step.h"

namespace onebit {

/** See ENCODING in src/encode.ts. */
constexpr int32_t kEncoding = 5;

/** RawStep.mode of a binary convolution whose padding is the border of its input. */
constexpr int32_t kReplicate = 2;

/** Bytes of a tensor, owned by the caller. */
struct Tensor {
  const unsigned char* data = nullptr;
  size_t bytes = 0;

  const float* floats() const { return reinterpret_cast<const float*>(data); }
};

struct Value {
  ValueKind kind;
  int32_t height, width, channels;
};

inline bool isMap(const Value& value) { return value.kind == ValueKind::map || value.kind == ValueKind::bfloat16; }

/** Operands in their order: registers (b is -1 where there is one), indices into Program.tensors (or -1). */
struct RawOp {
  Code code;
  int32_t a, b;
  int32_t s, t;
  int32_t value, offset;
  bool orEqual;
  float low, high;

  bool combines() const { return b >= 0; }
  bool reads() const { return code == Code::load; }
  bool writes() const {
    return code == Code::store || code == Code::bits || code == Code::mean || code == Code::mean2x2 ||
           code == Code::storeIntegers;
  }
};

struct RawStep {
  StepKind kind;
  int32_t input, weight, out;
  /** padding: before the map; end: behind it. */
  int32_t kernel[2], stride[2], padding[2], end[2], dilation[2];
  int32_t groups;
  /** binary-conv: padValue; pool: 1 for average; quantise: 1 per channel; shuffle: 1 for the whole value. */
  int32_t mode;
  int32_t bits;
  float clip;
  /** Of a shuffle. */
  int32_t first, dealt;
  std::vector<RawOp> ops;

  bool replicates() const { return kind == StepKind::binaryConv && mode == kReplicate; }
  /** Rows or columns from the first kernel position to the last. */
  int64_t span(int axis) const { return int64_t{kernel[axis] - 1} * dilation[axis] + 1; }
};

struct Program {
  std::vector<Value> values;
  std::vector<RawStep> steps;
  std::vector<int32_t> outputs;
  int32_t input = 0;
  std::vector<Tensor> tensors;
};

/** The layout is that of src/encode.ts. */
Program decodeProgram(const int32_t* code, size_t length, std::vector<Tensor> tensors);

/** [height, width, channels] of a step's accumulator. */
Value outputShape(const Program& program, const RawStep& step);

/** The groups that blocks of 16 outputs have together: 16 (depthwise); of a float convolution 8 (two outputs of each channel) or 2; else 1. */
int32_t groupsTogether(const Program& program, const RawStep& step);

}  // namespace onebit
