#include "epilogue.h"

#include <algorithm>
#include <set>
#include <utility>

namespace onebit {
namespace {

/** A micro-op, the register that it makes the value at hand, and the one whose tile it uses; or -1. */
struct Node {
  MicroOp op;
  int32_t defines, tileOf;
};

class EpilogueCompiler {
 public:
  EpilogueCompiler(const EpilogueInput& input, ChannelVectors& vectors)
      : input_(input), raw_(input.step.ops), vectors_(vectors) {}

  CompiledEpilogue compile() {
    resolve();
    markLive();
    if (readers_[0] > 0) define(source(), 0);
    for (size_t i = 0; i < raw_.size(); i++) emit(i);
    insertKeeps();
    assignTiles();
    std::vector<MicroOp> ops;
    for (const Node& node : nodes_) ops.push_back(node.op);
    return {std::move(ops), tiles_};
  }

 private:
  /** A write's register is its operand's: origin_ follows it to where the value was computed. */
  void resolve() {
    origin_ = {0};
    for (size_t i = 0; i < raw_.size(); i++) {
      origin_.push_back(raw_[i].writes() ? origin_[raw_[i].a] : static_cast<int32_t>(i) + 1);
    }
  }

  /** Backwards: writes are needed, and what a needed op reads. */
  void markLive() {
    readers_.assign(raw_.size() + 1, 0);
    for (size_t i = raw_.size(); i-- > 0;) {
      const RawOp& op = raw_[i];
      if (op.reads() || (!op.writes() && readers_[i + 1] == 0)) continue;
      readers_[origin_[op.a]]++;
      if (op.combines()) readers_[origin_[op.b]]++;
    }
  }

  bool isLoad(int32_t r) const { return r > 0 && raw_[r - 1].reads(); }

  bool isWritten(int32_t r) const {
    for (size_t i = 0; i < raw_.size(); i++) {
      if (raw_[i].writes() && origin_[i + 1] == r) return true;
    }
    return false;
  }

  MicroOp source() const {
    MicroOp op{};
    const RawStep& step = input_.step;
    op.code = step.kind == StepKind::pointwise    ? Code::load
              : step.kind == StepKind::binaryConv ? Code::counts
                                                  : Code::accumulator;
    op.place = input_.layout.places[step.input];
    return op;
  }

  void emit(size_t i) {
    const RawOp& raw = raw_[i];
    const int32_t r = static_cast<int32_t>(i) + 1;
    if (raw.writes() || readers_[r] == 0) return;
    // What is loaded for other ops only is read where they want it.
    if (raw.reads() && isWritten(r)) return define(loadOp(r), r);
    if (raw.reads()) return;
    MicroOp op{};
    op.code = raw.code;
    op.s = vectors_.get(raw.s);
    op.t = vectors_.get(raw.t);
    op.low = raw.low;
    op.high = raw.high;
    op.orEqual = raw.orEqual;
    if (raw.combines()) return emitBinary(op, origin_[raw.a], origin_[raw.b], r);
    bring(origin_[raw.a]);
    define(op, r);
  }

  void emitBinary(MicroOp op, int32_t a, int32_t b, int32_t r) {
    if (current_ == b && a != b) {
      if (op.code == Code::mix) op.code = Code::mixInto;
      if (op.code == Code::max) op.code = Code::maxInto;
      if (op.code == Code::min) op.code = Code::minInto;
      std::swap(a, b);
    }
    bring(a);
    op.tile = -1;
    if (isLoad(b)) {
      op.place = loadOp(b).place;
      return define(op, r);
    }
    kept_.insert(b);
    define(op, r, b);
  }

  /** Makes a register the value at hand. */
  void bring(int32_t r) {
    if (current_ == r) return;
    current_ = r;
    if (isLoad(r)) return nodes_.push_back({loadOp(r), -1, -1});
    MicroOp op{};
    op.code = Code::take;
    kept_.insert(r);
    nodes_.push_back({op, -1, r});
  }

  void define(const MicroOp& op, int32_t r, int32_t tileOf = -1) {
    nodes_.push_back({op, r, tileOf});
    current_ = r;
    emitWrites(r);
  }

  /** A vector that is loaded is the same for every pixel. */
  MicroOp loadOp(int32_t r) const {
    MicroOp op{};
    op.code = Code::load;
    op.place = input_.layout.places[raw_[r - 1].value];
    if (op.place.kind == ValueKind::vector) op.place.row = op.place.pixel = 0;
    return op;
  }

  /** All writes of the register at hand. */
  void emitWrites(int32_t r) {
    size_t means = 0;
    for (size_t i = 0; i < raw_.size(); i++) {
      const RawOp& raw = raw_[i];
      const size_t mean = raw.code == Code::mean ? means++ : 0;
      if (!raw.writes() || origin_[i + 1] != r) continue;
      MicroOp op{};
      op.code = raw.code;
      op.place = input_.layout.places[raw.value];
      op.offset = raw.offset;
      op.s = vectors_.get(raw.s);
      op.orEqual = raw.orEqual;
      if (raw.code == Code::mean) op.sumOffset = input_.sums[mean];
      op.sumStride = input_.sumStride;
      nodes_.push_back({op, -1, -1});
    }
  }

  void insertKeeps() {
    std::vector<Node> all;
    for (const Node& node : nodes_) {
      all.push_back(node);
      if (node.defines < 0 || !kept_.count(node.defines)) continue;
      MicroOp op{};
      op.code = Code::keep;
      all.push_back({op, -1, node.defines});
    }
    nodes_ = std::move(all);
  }

  /** Tiles are used again once nobody reads them. */
  void assignTiles() {
    std::vector<size_t> lastUse(raw_.size() + 1, 0);
    std::vector<int32_t> tiles(raw_.size() + 1, -1), free;
    for (size_t i = 0; i < nodes_.size(); i++) {
      if (nodes_[i].tileOf >= 0) lastUse[nodes_[i].tileOf] = i;
    }
    for (size_t i = 0; i < nodes_.size(); i++) {
      const int32_t r = nodes_[i].tileOf;
      if (r < 0) continue;
      if (tiles[r] < 0) {
        if (free.empty()) free.push_back(tiles_++);
        tiles[r] = free.back();
        free.pop_back();
      }
      nodes_[i].op.tile = tiles[r];
      if (lastUse[r] == i) free.push_back(tiles[r]);
    }
  }

  const EpilogueInput& input_;
  const std::vector<RawOp>& raw_;
  ChannelVectors& vectors_;
  std::vector<int32_t> origin_, readers_;
  std::vector<Node> nodes_;
  std::set<int32_t> kept_;
  int32_t current_ = -1;
  int32_t tiles_ = 0;
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
