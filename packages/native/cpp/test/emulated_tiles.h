// The tile instructions that kernels/amx.cpp uses, in plain C++: for tests where the processor has
// none (ONEBIT_EMULATED_TILES). Semantics as in the Intel 64 and IA-32 Architectures Software
// Developer's Manual, volume 2 (LDTILECFG, TILELOADD, TILESTORED, TILEZERO, TDPBUSD): what raises an
// exception there, aborts here, and every byte that is touched is touched by an ordinary access, so
// that sanitizers see it.
#pragma once
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace onebit::emulated {

constexpr int kTileCount = 8, kTileRows = 16, kTileColumnBytes = 64;

struct Tile {
  int rows = 0, columnBytes = 0;
  uint8_t bytes[kTileRows][kTileColumnBytes] = {};
};

/** Of the thread: each has registers of its own. */
struct Tiles {
  bool configured = false;
  Tile tiles[kTileCount];
};

inline thread_local Tiles state;

[[noreturn]] inline void raise(const char* exception, const char* instruction, const char* why) {
  std::fprintf(stderr, "emulated tiles: %s: %s: %s\n", exception, instruction, why);
  std::abort();
}

/** A register that the configuration gives a size. */
inline Tile& tileOf(int index, const char* instruction) {
  if (!state.configured) raise("#UD", instruction, "no tiles are configured");
  if (index < 0 || index >= kTileCount) raise("#UD", instruction, "there is no such tile");
  Tile& tile = state.tiles[index];
  if (tile.rows == 0) raise("#UD", instruction, "the tile has no size");
  return tile;
}

/** Bytes of the 64 that must be zero, from one to before another. */
inline void requireZero(const uint8_t* config, int from, int to) {
  for (int i = from; i < to; i++)
    if (config[i] != 0) raise("#GP", "ldtilecfg", "a reserved byte is not zero");
}

[[gnu::noinline]] inline void loadConfig(const void* memory) {
  uint8_t config[64];
  std::memcpy(config, memory, sizeof config);
  Tiles fresh;
  if (config[0] == 0) {
    state = fresh;
    return;
  }
  if (config[0] != 1) raise("#GP", "ldtilecfg", "there is no such palette");
  // Only an interrupted load leaves a row to start from.
  if (config[1] != 0) raise("#GP", "ldtilecfg", "start_row is not emulated");
  requireZero(config, 2, 16);
  requireZero(config, 32, 48);
  requireZero(config, 56, 64);
  for (int i = 0; i < kTileCount; i++) {
    Tile& tile = fresh.tiles[i];
    tile.columnBytes = config[16 + 2 * i] | config[17 + 2 * i] << 8;
    tile.rows = config[48 + i];
    if (tile.columnBytes > kTileColumnBytes) raise("#GP", "ldtilecfg", "a row of more than 64 bytes");
    if (tile.rows > kTileRows) raise("#GP", "ldtilecfg", "more than 16 rows");
    if ((tile.rows == 0) != (tile.columnBytes == 0)) raise("#GP", "ldtilecfg", "rows or columns alone are 0");
  }
  fresh.configured = true;
  state = fresh;
}

[[gnu::noinline]] inline void release() { state = Tiles{}; }

[[gnu::noinline]] inline void zero(int index) {
  Tile& tile = tileOf(index, "tilezero");
  std::memset(tile.bytes, 0, sizeof tile.bytes);
}

[[gnu::noinline]] inline void load(int index, const void* base, int64_t stride) {
  Tile& tile = tileOf(index, "tileloadd");
  std::memset(tile.bytes, 0, sizeof tile.bytes);
  for (int row = 0; row < tile.rows; row++)
    std::memcpy(tile.bytes[row], static_cast<const char*>(base) + row * stride, tile.columnBytes);
}

[[gnu::noinline]] inline void store(int index, void* base, int64_t stride) {
  const Tile& tile = tileOf(index, "tilestored");
  for (int row = 0; row < tile.rows; row++)
    std::memcpy(static_cast<char*>(base) + row * stride, tile.bytes[row], tile.columnBytes);
}

/** 32-bit sums += four products of unsigned bytes of `a` and signed bytes of `b`; they wrap. */
[[gnu::noinline]] inline void multiply(int sums, int a, int b) {
  const char* const name = "tdpbusd";
  if (sums == a || sums == b || a == b) raise("#UD", name, "a tile is named twice");
  Tile& c = tileOf(sums, name);
  const Tile& x = tileOf(a, name);
  const Tile& w = tileOf(b, name);
  if (c.columnBytes % 4 || x.columnBytes % 4 || w.columnBytes % 4) raise("#UD", name, "a row is no multiple of 4 bytes");
  if (c.rows != x.rows) raise("#UD", name, "sums and first factor have different rows");
  if (x.columnBytes / 4 != w.rows) raise("#UD", name, "the factors do not fit each other");
  if (c.columnBytes != w.columnBytes) raise("#UD", name, "sums and second factor have different columns");
  for (int m = 0; m < c.rows; m++) {
    uint32_t row[kTileColumnBytes / 4];
    std::memcpy(row, c.bytes[m], sizeof row);
    for (int k = 0; k < w.rows; k++) {
      const uint8_t* const u = x.bytes[m] + 4 * k;
      for (int n = 0; n < c.columnBytes / 4; n++) {
        const uint8_t* const s = w.bytes[k] + 4 * n;
        int32_t dot = 0;
        for (int i = 0; i < 4; i++) dot += u[i] * static_cast<int8_t>(s[i]);
        row[n] += static_cast<uint32_t>(dot);
      }
    }
    std::memcpy(c.bytes[m], row, c.columnBytes);
  }
}

}  // namespace onebit::emulated

#undef _tile_loadconfig
#undef _tile_release
#undef _tile_zero
#undef _tile_loadd
#undef _tile_stored
#undef _tile_dpbusd
#define _tile_loadconfig(config) ::onebit::emulated::loadConfig(config)
#define _tile_release() ::onebit::emulated::release()
#define _tile_zero(tile) ::onebit::emulated::zero(tile)
#define _tile_loadd(tile, base, stride) ::onebit::emulated::load(tile, base, stride)
#define _tile_stored(tile, base, stride) ::onebit::emulated::store(tile, base, stride)
#define _tile_dpbusd(sums, a, b) ::onebit::emulated::multiply(sums, a, b)
