#include "isa.h"

#include <stdexcept>

#if defined(__x86_64__)
#include <cpuid.h>
#endif
#if defined(__x86_64__) && defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace onebit {
namespace {

#if defined(__x86_64__)
/** Tiles of bytes: the processor has them, and the system lets this process use their registers. */
bool hasTiles() {
#if defined(ONEBIT_EMULATED_TILES)
  return true;
#elif defined(__linux__)
  constexpr unsigned kTiles = 1u << 24, kBytes = 1u << 25;
  constexpr long kRequestPermission = 0x1023, kTileData = 18;
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(d & kTiles) || !(d & kBytes)) return false;
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
#else
  return false;
#endif
}
#endif

}  // namespace

std::vector<const Isa*> availableIsas() {
  std::vector<const Isa*> isas;
#if defined(__x86_64__)
  __builtin_cpu_init();
  const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
                      __builtin_cpu_supports("avx512vpopcntdq");
  // Every processor with tiles rounds to bfloat16; amx.cpp relies on it.
  static const bool tiles = avx512 && __builtin_cpu_supports("avx512bf16") && hasTiles();
  if (tiles && amxKernels()) isas.push_back(amxKernels());
  if (avx512 && avx512Kernels()) isas.push_back(avx512Kernels());
  if (__builtin_cpu_supports("avx2") && avx2Kernels()) isas.push_back(avx2Kernels());
  isas.push_back(scalarKernels());
#elif defined(__aarch64__)
  isas.push_back(neonKernels());
#else
  isas.push_back(scalarKernels());
#endif
  return isas;
}

const Isa* chooseIsa(const std::string& name) {
  const std::vector<const Isa*> isas = availableIsas();
  std::string known;
  for (const Isa* isa : isas) {
    if (name.empty() || name == isa->name) return isa;
    known += known.empty() ? isa->name : std::string(", ") + isa->name;
  }
  throw std::runtime_error("native: this processor has no instruction set \"" + name + "\": there are " +
                           known);
}

}  // namespace onebit
