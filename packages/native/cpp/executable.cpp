#include "executable.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <utility>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

#include "prepare.h"

namespace onebit {
namespace {

using Clock = std::chrono::steady_clock;

/** The pool takes a bounded number of tasks. */
constexpr int64_t kImagesPerRound = 4096;

/** More is given back after a run. */
constexpr size_t kMostSpare = size_t{16} << 20;

int32_t divideUp(int32_t a, int32_t b) { return (a + b - 1) / b; }

void clear(char* arena, const std::vector<Range>& ranges) {
  for (const Range& range : ranges) std::memset(arena + range.offset, 0, range.bytes);
}

int32_t tasksPerPart(const CompiledStep& step) {
  return step.division.byBlocks ? 1 : divideUp(step.division.size, step.taskRows);
}

/** Empty where a part has less to do than others. */
Task taskOf(const CompiledStep& step, int32_t index) {
  const StepJob& job = step.job;
  const auto [byBlocks, size] = step.division;
  const int32_t part = index / tasksPerPart(step);
  if (byBlocks) return {part, 0, job.height, part * size, std::min((part + 1) * size, job.blockCount)};
  const int32_t row = part * size + index % tasksPerPart(step) * step.taskRows;
  const int32_t end = std::min((part + 1) * size, job.height);
  return {part, row, std::min(row + step.taskRows, end), 0, job.blockCount};
}

/** Others copy them, in order; faster than threads read them. */
void awaitImage(const std::atomic<int64_t>& arrived, int64_t image) {
  while (arrived.load(std::memory_order_acquire) <= image) std::this_thread::yield();
}

/** A row of each plane to a row of pixels. */
void interleave(const float* row, int64_t plane, const Value& value, float* to) {
  if (value.channels == 3) {
    for (int32_t x = 0; x < value.width; x++) {
      to[3 * x] = row[x];
      to[3 * x + 1] = row[plane + x];
      to[3 * x + 2] = row[2 * plane + x];
    }
    return;
  }
  for (int32_t c = 0; c < value.channels; c++) {
    for (int32_t x = 0; x < value.width; x++) to[int64_t{x} * value.channels + c] = row[c * plane + x];
  }
}

}  // namespace

Executable::Executable(std::unique_ptr<CompiledProgram> program, int32_t threads)
    : program_(std::move(program)), workers_(threads), pool_(threads) {
  for (Worker& worker : workers_) {
    worker.tiles = allocateZeroed(bytesOfTiles(program_->tiles));
    if (program_->scratchBytes > 0) worker.scratch = allocateZeroed(program_->scratchBytes);
    worker.nanoseconds.assign(program_->steps.size(), 0);
  }
}

/** Made when a worker first runs an image of its own. */
char* Executable::arenaOf(Worker& worker) {
  if (!worker.arena) {
    worker.arena = allocateZeroed(program_->arenaBytes);
#if defined(__SANITIZE_ADDRESS__)
    for (const size_t guard : program_->guards)
      ASAN_POISON_MEMORY_REGION(static_cast<char*>(worker.arena.get()) + guard, 64);
#endif
  }
  return static_cast<char*>(worker.arena.get());
}

void Executable::run(Images images, int64_t count, const std::vector<float*>& outputs) {
  const std::lock_guard lock(running_);
  pool_.begin();
  for (Worker& worker : workers_) std::fill(worker.nanoseconds.begin(), worker.nanoseconds.end(), 0);
  const Batch batch = {images, &outputs};
  const int64_t threads = pool_.threads();
  // As many images as give every thread the same work side by side, the rest one after another.
  const int64_t together = threads == 1 ? 0 : count / threads * threads;
  struct Context {
    Executable* self;
    const Batch* batch;
    int64_t first;
  };
  for (int64_t first = 0; first < together; first += kImagesPerRound) {
    Context context = {this, &batch, first};
    const int64_t tasks = std::min(kImagesPerRound, together - first);
    pool_.forEach(
        static_cast<int32_t>(tasks),
        [](void* data, int32_t task, int32_t worker) {
          const Context& c = *static_cast<Context*>(data);
          c.self->runImage(c.self->workers_[worker], *c.batch, c.first + task, false);
        },
        &context);
  }
  for (int64_t image = together; image < count; image++) runImage(workers_[0], batch, image, true);
}

void Executable::runImage(Worker& worker, const Batch& batch, int64_t image, bool shared) {
  char* arena = arenaOf(worker);
  // Images side by side: their times overlap.
  const double share = shared ? 1 : 1.0 / static_cast<double>(pool_.threads());
  auto start = Clock::now();
  clear(arena, program_->inputClears);
  readImage(arena, batch, image);
  for (size_t i = 0; i < program_->steps.size(); i++) {
    runStep(worker, arena, program_->steps[i], shared);
    const auto end = Clock::now();
    worker.nanoseconds[i] += share * std::chrono::duration<double, std::nano>(end - start).count();
    start = end;
  }
  writeOutputs(arena, batch, image);
}

int32_t Executable::tasksOf(const CompiledStep& step) const {
  return static_cast<int32_t>(workers_.size()) * tasksPerPart(step);
}

void Executable::runTask(Worker& worker, char* arena, const CompiledStep& step, int32_t index) {
  const Task task = taskOf(step, index);
  if (task.rowBegin >= task.rowEnd || task.blockBegin >= task.blockEnd) return;
  Frame frame{};
  frame.arena = arena;
  frame.tiles = static_cast<float*>(worker.tiles.get());
  frame.scratch = static_cast<char*>(worker.scratch.get());
  program_->isa->run(step.job, frame, task);
}

void Executable::runStep(Worker& worker, char* arena, const CompiledStep& step, bool shared) {
  clear(arena, step.clears);
  prepare(step.job, arena);
  if (shared && !step.serial) {
    runShared(arena, step);
  } else {
    const int32_t tasks = tasksOf(step);
    for (int32_t task = 0; task < tasks; task++) runTask(worker, arena, step, task);
  }
  for (const Mean& mean : step.means) program_->isa->finishMean(mean, arena);
}

void Executable::runShared(char* arena, const CompiledStep& step) {
  struct Context {
    Executable* self;
    char* arena;
    const CompiledStep* step;
  };
  Context context = {this, arena, &step};
  pool_.forEach(
      tasksOf(step),
      [](void* data, int32_t task, int32_t worker) {
        const Context& c = *static_cast<Context*>(data);
        c.self->runTask(c.self->workers_[worker], c.arena, *c.step, task);
      },
      &context);
}

void Executable::readImage(char* arena, const Batch& batch, int64_t image) const {
  const Value& value = program_->program.values[program_->program.input];
  const Place& place = program_->layout.places[program_->program.input];
  const size_t row = size_t(value.width) * value.channels;
  if (batch.images.arrived) awaitImage(*batch.images.arrived, image);
  const float* from = batch.images.data + image * int64_t(row) * value.height;
  for (int32_t y = 0; y < value.height; y++) {
    float* to = reinterpret_cast<float*>(arena + place.offset) + y * place.row;
    if (!batch.images.planes) {
      std::memcpy(to, from + y * row, row * 4);
      continue;
    }
    interleave(from + int64_t{y} * value.width, int64_t{value.height} * value.width, value, to);
  }
}

void Executable::writeOutputs(const char* arena, const Batch& batch, int64_t image) const {
  const Program& program = program_->program;
  for (size_t i = 0; i < program.outputs.size(); i++) {
    const Value& value = program.values[program.outputs[i]];
    const Place& place = program_->layout.places[program.outputs[i]];
    const size_t row = size_t(value.width) * value.channels;
    float* to = (*batch.outputs)[i] + image * int64_t(row) * value.height;
    for (int32_t y = 0; y < value.height; y++) {
      std::memcpy(to + y * row, reinterpret_cast<const float*>(arena + place.offset) + y * place.row,
                  row * 4);
    }
  }
}

Buffer Executable::takeSpare(size_t bytes) {
  if (spare_.bytes < bytes) return allocateBuffer(bytes);
  return std::exchange(spare_, {});
}

void Executable::giveSpare(Buffer buffer) {
  if (buffer.bytes <= kMostSpare) spare_ = std::move(buffer);
}

size_t Executable::imageFloats() const { return floatsOf(program_->program.input); }

std::vector<size_t> Executable::outputFloats() const {
  std::vector<size_t> floats;
  for (const int32_t output : program_->program.outputs) floats.push_back(floatsOf(output));
  return floats;
}

size_t Executable::floatsOf(int32_t id) const {
  const Value& value = program_->program.values[id];
  return product(value.height, value.width, value.channels);
}

std::vector<double> Executable::profile() const {
  std::vector<double> milliseconds(program_->steps.size(), 0);
  for (const Worker& worker : workers_) {
    for (size_t i = 0; i < milliseconds.size(); i++) milliseconds[i] += worker.nanoseconds[i] / 1e6;
  }
  return milliseconds;
}

std::vector<std::string> Executable::kernels() const {
  const Isa& isa = *program_->isa;
  std::vector<std::string> names;
  for (const CompiledStep& step : program_->steps) {
    const bool binary = step.job.kind == StepKind::binaryConv;
    const bool words = isa.format == PanelFormat::bytes && step.job.format != PanelFormat::bytes;
    if (!binary) {
      names.push_back(isa.name);
    } else if (step.job.groupsTogether == kLanes) {
      names.push_back(std::string(words ? "avx512" : isa.name) + " depthwise");
    } else if (words) {
      names.push_back("avx512 vpopcntd");
    } else {
      names.push_back(std::string(isa.name) + " " + isa.counting);
    }
  }
  return names;
}

}  // namespace onebit
