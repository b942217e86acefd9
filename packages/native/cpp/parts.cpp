#include "parts.h"

#include <algorithm>
#include <optional>

namespace onebit {
namespace {

/** Threads may not share a word of bits. */
constexpr int32_t kWordBits = 32;
/** Fewer rows per thread than these, and the borders and the weights of a part cost too much. */
constexpr int32_t kLeastRows = 8;

/** A part of `count` of about the same size as the others, in units. */
int32_t share(int32_t count, int32_t parts, int32_t unit) {
  const int32_t part = (count + parts - 1) / parts;
  return (part + unit - 1) / unit * unit;
}

bool divisibleByBlocks(const RawStep& step) {
  return step.groups <= 1 && std::all_of(step.ops.begin(), step.ops.end(), [](const RawOp& op) {
           return op.code != Code::bits || op.offset % kWordBits == 0;
         });
}

bool halves(const RawStep& step) {
  return std::any_of(step.ops.begin(), step.ops.end(), [](const RawOp& op) { return op.code == Code::mean2x2; });
}

/** How an op's value would have to lie for the step's parts to be its parts. */
Parting partingOf(const Value& shape, const Division& division, const Value& value, const RawOp& op) {
  if (division.byBlocks) {
    const bool whole = op.offset == 0 && value.channels == shape.channels;
    return whole ? Parting{Parting::Kind::blocks, division.size} : Parting{};
  }
  if (op.code == Code::mean2x2) return {Parting::Kind::rows, division.size / 2};
  return value.height == shape.height ? Parting{Parting::Kind::rows, division.size} : Parting{};
}

}  // namespace

Division divisionOf(const Program& program, const RawStep& step, int32_t threads) {
  const Value shape = outputShape(program, step);
  if (threads == 1) return {false, shape.height};
  if (shape.height < kLeastRows * threads && divisibleByBlocks(step)) {
    const int32_t blocks = (shape.channels + kLanes - 1) / kLanes;
    return {true, share(blocks, threads, kWordBits / kLanes)};
  }
  // Both rows of a 2x2 mean belong to one part.
  return {false, share(shape.height, threads, halves(step) ? 2 : 1)};
}

std::vector<Parting> partingsOf(const Program& program, const std::vector<Division>& divisions,
                                const std::vector<bool>& candidates) {
  std::vector<std::optional<Parting>> found(program.values.size());
  const auto touch = [&](int32_t value, const Parting& parting) {
    if (found[value] && *found[value] != parting) found[value] = Parting{};
    if (!found[value]) found[value] = parting;
  };
  for (size_t i = 0; i < program.steps.size(); i++) {
    const RawStep& step = program.steps[i];
    const Value shape = outputShape(program, step);
    const auto like = [&](int32_t value, const RawOp& op) {
      return partingOf(shape, divisions[i], program.values[value], op);
    };
    // Windows reach across parts.
    touch(step.input, step.kind == StepKind::pointwise ? like(step.input, RawOp{}) : Parting{});
    for (const RawOp& op : step.ops) {
      if (op.reads() || op.writes()) touch(op.value, like(op.value, op));
    }
  }
  std::vector<Parting> partings(found.size());
  for (size_t i = 0; i < found.size(); i++) {
    if (candidates[i] && found[i]) partings[i] = *found[i];
  }
  return partings;
}

}  // namespace onebit
