#include "epilogue.h"

#include <algorithm>

namespace onebit {
namespace {

/** A micro-op over registers that are each defined once; a write defines none (-1). */
struct Node {
  MicroOp op;
  int32_t defines;
  std::vector<int32_t> uses;
};

class EpilogueCompiler {
 public:
  EpilogueCompiler(const EpilogueInput& input, ChannelVectors& vectors)
      : input_(input), raw_(input.step.ops), vectors_(vectors) {}

  CompiledEpilogue compile() {
    resolve();
    markLive();
    emitSinks(0);
    for (size_t i = 0; i < raw_.size();) i += emit(i);
    takeSource();
    assignTiles();
    std::vector<MicroOp> ops;
    for (const Node& node : nodes_) ops.push_back(node.op);
    return {std::move(ops), tiles_, noAccumulator_};
  }

 private:
  /** A write's register is its operand's: origin_ follows it to where the value was computed. */
  void resolve() {
    origin_ = {0};
    for (size_t i = 0; i < raw_.size(); i++) {
      origin_.push_back(raw_[i].writes() ? origin_[raw_[i].a] : static_cast<int32_t>(i) + 1);
    }
  }

  /** Registers that the op at i reads, by origin. */
  std::vector<int32_t> usesOf(size_t i) const {
    const RawOp& op = raw_[i];
    switch (op.code) {
      case Code::load: return {};
      case Code::add:
      case Code::mul:
      case Code::mix: return {origin_[op.a], origin_[op.b]};
      default: return {origin_[op.a]};
    }
  }

  /** Backwards: writes are needed, and what a needed op reads. */
  void markLive() {
    readers_.assign(raw_.size() + 1, 0);
    for (size_t i = raw_.size(); i-- > 0;) {
      if (!raw_[i].writes() && readers_[i + 1] == 0) continue;
      for (const int32_t r : usesOf(i)) readers_[r]++;
    }
  }

  bool live(size_t i) const { return readers_[i + 1] > 0; }

  /** Emits what begins at i; returns how many ops that was. */
  size_t emit(size_t i) {
    if (raw_[i].writes() || !live(i)) return 1;
    if (const size_t length = emitGate(i)) return length;
    if (const size_t length = emitAffinePrelu(i)) return length;
    add(simpleOp(raw_[i]), static_cast<int32_t>(i) + 1, usesOf(i));
    return 1;
  }

  void add(const MicroOp& op, int32_t defines, std::vector<int32_t> uses) {
    nodes_.push_back({op, defines, std::move(uses)});
    emitSinks(defines);
  }

  MicroOp simpleOp(const RawOp& raw) {
    MicroOp op{};
    op.code = raw.code;
    op.s = vectors_.get(raw.s);
    op.t = vectors_.get(raw.t);
    op.low = raw.low;
    op.high = raw.high;
    if (raw.reads()) op.place = loadPlace(raw);
    return op;
  }

  /** A vector that is loaded is the same for every pixel. */
  Place loadPlace(const RawOp& raw) const {
    Place place = input_.layout.places[raw.value];
    if (place.kind == ValueKind::vector) place.row = place.pixel = 0;
    return place;
  }

  /** All writes of a register, in as few passes as sinks allow. */
  void emitSinks(int32_t origin) {
    MicroOp op{};
    op.code = Code::sink;
    Sink& sink = op.sink;
    bool empty = true;
    const auto flush = [&] {
      if (!empty) nodes_.push_back({op, -1, {origin}});
      sink = {};
      empty = true;
    };
    size_t mean = 0;
    for (size_t i = 0; i < raw_.size(); i++) {
      const RawOp& raw = raw_[i];
      const size_t meanIndex = raw.code == Code::mean ? mean++ : 0;
      if (!raw.writes() || origin_[i + 1] != origin) continue;
      const bool full = (raw.code == Code::store && sink.stores) ||
                        (raw.code == Code::store && raw.pooled && !empty) || sink.pooled ||
                        (raw.code == Code::mean && sink.sums) ||
                        (raw.code == Code::bits && sink.bitCount == kMostBitSinks);
      if (full) flush();
      empty = false;
      const Place& place = input_.layout.places[raw.value];
      if (raw.code == Code::store) {
        sink.stores = true;
        sink.map = place;
        sink.mapOffset = raw.offset;
        sink.pooled = raw.pooled;
        sink.rows = input_.values[raw.value].height;
        sink.columns = input_.values[raw.value].width;
      } else if (raw.code == Code::mean) {
        sink.sums = true;
        sink.sumOffset = input_.sums[meanIndex];
        sink.sumStride = input_.sumStride;
      } else {
        sink.bits[sink.bitCount++] = {place, raw.offset, vectors_.get(raw.t), raw.orEqual};
      }
    }
    flush();
  }

  /** Register i + 1 exists for the op after it alone. */
  bool onlyFor(size_t i, size_t reader) const {
    if (reader >= raw_.size() || readers_[i + 1] != 1 || raw_[i].writes()) return false;
    if (!raw_[reader].writes() && !live(reader)) return false;
    const std::vector<int32_t> uses = usesOf(reader);
    return std::find(uses.begin(), uses.end(), static_cast<int32_t>(i) + 1) != uses.end();
  }

  bool is(size_t i, Code code) const { return i < raw_.size() && raw_[i].code == code; }

  bool loads(size_t i, bool vector) const {
    if (!is(i, Code::load)) return false;
    const ValueKind kind = input_.layout.places[raw_[i].value].kind;
    return vector ? kind == ValueKind::vector : kind == ValueKind::map;
  }

  size_t emitAffinePrelu(size_t i) {
    if (!is(i, Code::affine) || !is(i + 1, Code::prelu) || !onlyFor(i, i + 1)) return 0;
    MicroOp op = simpleOp(raw_[i]);
    op.code = Code::affinePrelu;
    op.u = vectors_.get(raw_[i + 1].s);
    add(op, static_cast<int32_t>(i) + 2, usesOf(i));
    return 2;
  }

  /** load vector, mul; [load map, mul]; affine; [load map,] add */
  size_t emitGate(size_t first) {
    size_t i = first;
    if (!loads(i, true) || !is(i + 1, Code::mul) || !onlyFor(i, i + 1)) return 0;
    MicroOp op{};
    op.code = Code::gate;
    op.gate.vector = loadPlace(raw_[i]);
    const std::vector<int32_t> factors = usesOf(i + 1);
    const int32_t x = factors[0] == static_cast<int32_t>(i) + 1 ? factors[1] : factors[0];
    i += 1;
    int32_t map = -1;
    size_t mapReaders = 0;
    if (loads(i + 1, false) && is(i + 2, Code::mul) && onlyFor(i, i + 2)) {
      map = static_cast<int32_t>(i) + 2;
      const std::vector<int32_t> uses = usesOf(i + 2);
      if (std::find(uses.begin(), uses.end(), map) == uses.end()) return 0;
      op.gate.multiplies = true;
      op.gate.other = loadPlace(raw_[i + 1]);
      mapReaders++;
      i += 2;
    }
    if (!is(i + 1, Code::affine) || !onlyFor(i, i + 1)) return 0;
    op.s = vectors_.get(raw_[i + 1].s);
    op.t = vectors_.get(raw_[i + 1].t);
    i += 1;
    if (map < 0 && loads(i + 1, false) && is(i + 2, Code::add) && onlyFor(i, i + 2) &&
        onlyFor(i + 1, i + 2)) {
      op.gate.adds = true;
      op.gate.other = loadPlace(raw_[i + 1]);
      i += 2;
    } else if (map >= 0 && is(i + 1, Code::add) && onlyFor(i, i + 1)) {
      const std::vector<int32_t> uses = usesOf(i + 1);
      if (std::find(uses.begin(), uses.end(), map) != uses.end()) {
        op.gate.adds = true;
        mapReaders++;
        i += 1;
      }
    }
    if (map >= 0 && readers_[map] != static_cast<int32_t>(mapReaders)) return 0;
    add(op, static_cast<int32_t>(i) + 1, {x});
    return i + 1 - first;
  }

  /** Spares the accumulator where one fused op alone reads it. */
  void takeSource() {
    if (readers_[0] != 1 || nodes_.empty() || nodes_[0].uses != std::vector<int32_t>{0}) return;
    MicroOp& op = nodes_[0].op;
    const RawStep& step = input_.step;
    const bool map = input_.layout.places[step.input].kind != ValueKind::bits;
    if (step.kind == StepKind::pointwise && map && op.code == Code::gate) {
      op.gate.fromInput = true;
      noAccumulator_ = true;
    }
    if (step.kind == StepKind::binaryConv && op.code == Code::affinePrelu) {
      op.code = Code::countsAffinePrelu;
      noAccumulator_ = true;
    }
  }

  void assignTiles() {
    std::vector<int32_t> lastUse(raw_.size() + 1, -1), tile(raw_.size() + 1, 0), free;
    for (size_t i = 0; i < nodes_.size(); i++) {
      for (const int32_t r : nodes_[i].uses) lastUse[r] = static_cast<int32_t>(i);
    }
    for (size_t i = 0; i < nodes_.size(); i++) {
      Node& node = nodes_[i];
      if (!node.uses.empty()) node.op.a = tile[node.uses[0]];
      if (node.uses.size() > 1) node.op.b = tile[node.uses[1]];
      for (size_t u = 0; u < node.uses.size(); u++) {
        const bool again = u == 1 && node.uses[0] == node.uses[1];
        if (!again && lastUse[node.uses[u]] == static_cast<int32_t>(i)) free.push_back(tile[node.uses[u]]);
      }
      if (node.defines < 0) continue;
      if (free.empty()) free.push_back(tiles_++);
      node.op.dst = tile[node.defines] = free.back();
      free.pop_back();
    }
  }

  const EpilogueInput& input_;
  const std::vector<RawOp>& raw_;
  ChannelVectors& vectors_;
  std::vector<int32_t> origin_, readers_;
  std::vector<Node> nodes_;
  int32_t tiles_ = 1;
  bool noAccumulator_ = false;
};

}  // namespace

const float* ChannelVectors::get(int32_t tensor) {
  if (tensor < 0) return nullptr;
  if (copies_[tensor]) return copies_[tensor];
  const size_t count = program_.tensors[tensor].bytes / 4;
  float* copy = constants_.allocate<float>(count + kLanes);
  std::copy_n(program_.tensors[tensor].floats(), count, copy);
  return copies_[tensor] = copy;
}

CompiledEpilogue compileEpilogue(const EpilogueInput& input, ChannelVectors& vectors) {
  return EpilogueCompiler(input, vectors).compile();
}

}  // namespace onebit
