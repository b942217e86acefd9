// Runs a compiled program on images.
#pragma once
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "compile.h"
#include "pool.h"

namespace onebit {

/** Of a batch: [count, H, W, C], or [count, C, H, W] where they are planes. */
struct Images {
  const float* data;
  bool planes;
};

class Executable {
 public:
  Executable(std::unique_ptr<CompiledProgram> program, int32_t threads);

  /** outputs: one per output of the program, [count, ...value]. */
  void run(Images images, int64_t count, const std::vector<float*>& outputs);

  /** A run will follow at once. */
  void expectRun() { pool_.expect(); }

  /** Milliseconds per step of the last run; the first one's with reading the image. */
  std::vector<double> profile() const;
  /** What computes each step. */
  std::vector<std::string> kernels() const;
  size_t arenaBytes() const { return program_->arenaBytes; }

 private:
  struct Worker {
    Memory arena;
    Memory tiles;
    Memory scratch;
    std::vector<double> nanoseconds;
  };

  struct Batch {
    Images images;
    const std::vector<float*>* outputs;
  };

  char* arenaOf(Worker& worker);
  int32_t tasksOf(const CompiledStep& step) const;
  void runTask(Worker& worker, char* arena, const CompiledStep& step, int32_t index);
  void runImage(Worker& worker, const Batch& batch, int64_t image, bool shared);
  void runStep(Worker& worker, char* arena, const CompiledStep& step, bool shared);
  void runShared(char* arena, const CompiledStep& step);
  void readImage(char* arena, const Batch& batch, int64_t image) const;
  void writeOutputs(const char* arena, const Batch& batch, int64_t image) const;

  std::unique_ptr<CompiledProgram> program_;
  std::vector<Worker> workers_;
  std::mutex running_;
  Pool pool_;
};

}  // namespace onebit
