#include "program.h"

#include <cstring>
#include <stdexcept>

namespace onebit {
namespace {

class Reader {
 public:
  Reader(const int32_t* code, size_t length) : code_(code), end_(code + length) {}

  int32_t next() {
    if (code_ == end_) throw std::runtime_error("native: the encoded program is cut off");
    return *code_++;
  }

  float nextFloat() {
    const int32_t bits = next();
    float x;
    std::memcpy(&x, &bits, sizeof x);
    return x;
  }

 private:
  const int32_t* code_;
  const int32_t* end_;
};

RawOp readOp(Reader& reader) {
  RawOp op{};
  const int32_t code = reader.next();
  if (code < 0 || code >= static_cast<int32_t>(Code::accumulator))
    throw std::runtime_error("native: a newer @onebit/native is needed to run this network");
  op.code = static_cast<Code>(code);
  op.a = reader.next();
  op.b = reader.next();
  op.s = reader.next();
  op.t = reader.next();
  op.value = reader.next();
  op.offset = reader.next();
  op.orEqual = reader.next() > 0;
  op.low = reader.nextFloat();
  op.high = reader.nextFloat();
  return op;
}

RawStep readStep(Reader& reader) {
  RawStep step{};
  step.kind = static_cast<StepKind>(reader.next());
  step.input = reader.next();
  step.weight = reader.next();
  step.out = reader.next();
  for (int32_t* pair : {step.kernel, step.stride, step.padding, step.end, step.dilation}) {
    pair[0] = reader.next();
    pair[1] = reader.next();
  }
  step.groups = reader.next();
  step.mode = reader.next();
  step.bits = reader.next();
  step.clip = reader.nextFloat();
  step.first = reader.next();
  step.dealt = reader.next();
  const int32_t ops = reader.next();
  for (int32_t i = 0; i < ops; i++) step.ops.push_back(readOp(reader));
  return step;
}

}  // namespace

Program decodeProgram(const int32_t* code, size_t length, std::vector<Tensor> tensors) {
  Reader reader(code, length);
  Program program;
  program.tensors = std::move(tensors);
  program.input = reader.next();
  const int32_t values = reader.next();
  const int32_t steps = reader.next();
  const int32_t outputs = reader.next();
  for (int32_t i = 0; i < values; i++) {
    const auto kind = static_cast<ValueKind>(reader.next());
    const int32_t height = reader.next();
    const int32_t width = reader.next();
    program.values.push_back({kind, height, width, reader.next()});
  }
  for (int32_t i = 0; i < steps; i++) program.steps.push_back(readStep(reader));
  for (int32_t i = 0; i < outputs; i++) program.outputs.push_back(reader.next());
  return program;
}

Value outputShape(const Program& program, const RawStep& step) {
  const Value& input = program.values[step.input];
  const auto count = [&](int32_t size, int axis) {
    return static_cast<int32_t>((size + step.padding[axis] + step.end[axis] - step.span(axis)) / step.stride[axis] + 1);
  };
  switch (step.kind) {
    case StepKind::binaryConv:
    case StepKind::conv: return {ValueKind::map, count(input.height, 0), count(input.width, 1), step.out};
    case StepKind::pool:
      return {ValueKind::map, count(input.height, 0), count(input.width, 1), input.channels};
    case StepKind::shuffle:
      return {ValueKind::map, step.mode ? 1 : input.height, step.mode ? 1 : input.width, step.out};
    case StepKind::linear: return {ValueKind::map, 1, 1, step.out};
    default: return {ValueKind::map, input.height, input.width, input.channels};
  }
}

int32_t groupsTogether(const Program& program, const RawStep& step) {
  const bool binary = step.kind == StepKind::binaryConv;
  if ((step.kind != StepKind::conv && !binary) || step.groups <= 1) return 1;
  const int32_t inputs = program.values[step.input].channels / step.groups, outputs = step.out / step.groups;
  // Kernel positions are counted in 16 bits.
  const bool counts = !binary || (!step.replicates() && int64_t{step.kernel[0]} * step.kernel[1] <= 0xffff);
  if (inputs == 1 && outputs == 1) return counts ? kLanes : 1;
  if (binary) return 1;
  if (inputs == 1 && outputs == 2) return kLanes / 2;
  return 2 * outputs == kLanes && step.groups % 2 == 0 ? 2 : 1;
}

}  // namespace onebit
