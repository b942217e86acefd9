#include "join.h"

#include <algorithm>

namespace onebit {
namespace {

bool halves(const RawStep& step) {
  const bool window =
      step.kernel[0] == 2 && step.kernel[1] == 2 && step.stride[0] == 2 && step.stride[1] == 2;
  const bool mean =
      step.kind == StepKind::pool && step.mode == 1 && step.padding[0] == 0 && step.padding[1] == 0;
  return window && mean && step.ops.size() == 1 && step.ops[0].code == Code::store && step.ops[0].offset == 0;
}

/** Nobody but this step reads the value. */
bool readsAlone(const Program& program, const RawStep& reader) {
  const int32_t value = reader.input;
  const auto& outputs = program.outputs;
  if (value == program.input || std::find(outputs.begin(), outputs.end(), value) != outputs.end())
    return false;
  for (const RawStep& step : program.steps) {
    if (step.input == value && &step != &reader) return false;
    for (const RawOp& op : step.ops) {
      if (op.code == Code::load && op.value == value) return false;
    }
  }
  return true;
}

/** The pooled value has no other writer, and its channels are those of the map. */
bool writesAlone(const Program& program, const RawStep& pool) {
  const int32_t value = pool.ops[0].value;
  return program.values[value].channels == program.values[pool.input].channels;
}

/** Means are stored as maps; a vector of a single pixel is left to the pool. */
bool storesOnly(const Program& program, int32_t value) {
  return program.values[value].kind == ValueKind::map;
}

}  // namespace

void joinPools(Program& program) {
  for (RawStep& pool : program.steps) {
    if (!halves(pool) || !readsAlone(program, pool) || !writesAlone(program, pool)) continue;
    const int32_t map = pool.input;
    const int32_t means = pool.ops[0].value;
    if (!storesOnly(program, map) || !storesOnly(program, means)) continue;
    for (RawStep& step : program.steps) {
      for (RawOp& op : step.ops) {
        if (op.code != Code::store || op.value != map) continue;
        op.value = means;
        op.pooled = true;
      }
    }
    pool.skipped = true;
    pool.input = means;
    pool.ops.clear();
  }
}

}  // namespace onebit
