// The tile instructions against plain matrices, and what must raise an exception: compiled with
// ONEBIT_EMULATED_TILES for the stand-in, without it for the processor's own.
#include <immintrin.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <functional>
#include <random>
#include <vector>

#include "../isa.h"
#ifdef ONEBIT_EMULATED_TILES
#include "emulated_tiles.h"
#endif

namespace {

struct alignas(64) Config {
  uint8_t palette = 1, start = 0, reserved[14] = {};
  uint16_t columnBytes[16] = {};
  uint8_t rows[16] = {};
};

/** Tile 0: rows x columns sums. 1: rows x depth bytes. 2: depth x columns bytes, four of a column side by side. */
Config configOf(int rows, int columns, int depth) {
  Config config;
  config.rows[0] = config.rows[1] = static_cast<uint8_t>(rows);
  config.rows[2] = static_cast<uint8_t>(depth / 4);
  config.columnBytes[0] = config.columnBytes[2] = static_cast<uint16_t>(4 * columns);
  config.columnBytes[1] = static_cast<uint16_t>(depth);
  return config;
}

void configure(const Config& config) {
  asm volatile("" : : "r"(&config) : "memory");
  _tile_loadconfig(&config);
}

int failures = 0;

void expect(bool sound, const char* what) {
  if (sound) return;
  std::printf("wrong: %s\n", what);
  failures++;
}

/** sums[m][n] += sum over k of a[m][k] * b[k][n], matrices as one writes them down. */
void checkProduct(std::mt19937& random, int rows, int columns, int depth) {
  const auto draw = [&](int low, int high) { return std::uniform_int_distribution<int>(low, high)(random); };
  // Further apart than they are long, and a mark behind them that must stay.
  const int sumStride = columns + draw(1, 3), stride = depth + draw(1, 9);
  std::vector<int32_t> sums(rows * sumStride, 77), expected;
  std::vector<uint8_t> a(rows * stride);
  std::vector<int8_t> b(depth * columns), laidOut(depth * columns);
  for (int32_t& x : sums) x = draw(-1000, 1000);
  // Now and then at the edge of 32 bits, where sums wrap.
  if (draw(0, 3) == 0) sums[0] = INT32_MAX;
  for (uint8_t& x : a) x = static_cast<uint8_t>(draw(0, 255));
  for (int8_t& x : b) x = static_cast<int8_t>(draw(-128, 127));
  for (int k = 0; k < depth; k++)
    for (int n = 0; n < columns; n++) laidOut[(k / 4 * columns + n) * 4 + k % 4] = b[k * columns + n];
  expected = sums;
  for (int m = 0; m < rows; m++)
    for (int n = 0; n < columns; n++)
      for (int k = 0; k < depth; k++)
        expected[m * sumStride + n] = static_cast<int32_t>(static_cast<uint32_t>(expected[m * sumStride + n]) +
                                                           static_cast<uint32_t>(a[m * stride + k] * b[k * columns + n]));
  configure(configOf(rows, columns, depth));
  _tile_loadd(0, sums.data(), sumStride * 4);
  _tile_loadd(1, a.data(), stride);
  _tile_loadd(2, laidOut.data(), columns * 4);
  _tile_dpbusd(0, 1, 2);
  _tile_stored(0, sums.data(), sumStride * 4);
  expect(sums == expected, "a product");
  _tile_zero(0);
  _tile_stored(0, sums.data(), sumStride * 4);
  for (int m = 0; m < rows; m++)
    for (int n = 0; n < columns; n++) expected[m * sumStride + n] = 0;
  expect(sums == expected, "zeros");
  _tile_release();
}

/** It must end its process by a signal: SIGILL or SIGSEGV, or the stand-in's SIGABRT. */
void expectFault(const char* what, const std::function<void()>& act) {
  std::fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    std::freopen("/dev/null", "w", stderr);
    act();
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  expect(WIFSIGNALED(status), what);
}

void expectBadConfig(const char* what, const std::function<void(Config&)>& spoil) {
  expectFault(what, [&] {
    Config config = configOf(16, 16, 64);
    spoil(config);
    configure(config);
  });
}

void checkFaults() {
  static char memory[16 * 64];
  expectBadConfig("palette 2", [](Config& c) { c.palette = 2; });
  expectBadConfig("a reserved byte", [](Config& c) { c.reserved[3] = 1; });
  expectBadConfig("17 rows", [](Config& c) { c.rows[0] = 17; });
  expectBadConfig("65 bytes", [](Config& c) { c.columnBytes[0] = 65; });
  expectBadConfig("rows of no bytes", [](Config& c) { c.rows[5] = 3; });
  expectBadConfig("bytes of no rows", [](Config& c) { c.columnBytes[5] = 8; });
  expectBadConfig("a ninth tile", [](Config& c) {
    c.rows[8] = 4;
    c.columnBytes[8] = 4;
  });
  expectFault("no configuration", [] { _tile_zero(0); });
  expectFault("a tile of no size", [] {
    configure(configOf(16, 16, 64));
    _tile_loadd(3, memory, 64);
  });
  expectFault("released tiles", [] {
    configure(configOf(16, 16, 64));
    _tile_release();
    _tile_stored(0, memory, 64);
  });
  expectFault("rows that differ", [] {
    Config config = configOf(16, 16, 64);
    config.rows[1] = 15;
    configure(config);
    _tile_dpbusd(0, 1, 2);
  });
  expectFault("depths that differ", [] {
    Config config = configOf(16, 16, 64);
    config.columnBytes[1] = 60;
    configure(config);
    _tile_dpbusd(0, 1, 2);
  });
  expectFault("columns that differ", [] {
    Config config = configOf(16, 16, 64);
    config.columnBytes[2] = 60;
    configure(config);
    _tile_dpbusd(0, 1, 2);
  });
}

}  // namespace

int main() {
#ifndef ONEBIT_EMULATED_TILES
  // Asks the system for the registers.
  if (std::strcmp(onebit::availableIsas().front()->name, "amx") != 0) return 0;
#endif
  std::mt19937 random(1);
  constexpr int kProducts = 2000;
  for (int i = 0; i < kProducts; i++) {
    const auto draw = [&](int high) { return std::uniform_int_distribution<int>(1, high)(random); };
    checkProduct(random, draw(16), draw(16), 4 * draw(16));
  }
  checkFaults();
  std::printf("%d products of tiles, 13 faults: %d wrong\n", kProducts, failures);
  return failures == 0 ? 0 : 1;
}
