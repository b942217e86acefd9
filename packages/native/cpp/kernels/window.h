// What a counting kernel looks at: for each pixel, `rows` runs of `rowLength` words.
struct Window {
  /** First word of the first pixel's window. */
  const uint32_t* start;
  int64_t rowStride;
  /** Words between the windows of neighbouring pixels. */
  int64_t step;
  int32_t rows, rowLength;
  size_t panelBytes;
};

/** Counts of a segment, [pixel][16], and those of the next block `stride` on. */
struct Counts {
  int32_t* first;
  int64_t stride;
};

static inline int divideUp(int a, int b) { return (a + b - 1) / b; }

/** Calls count(window, pixels, first) for parts of up to `most` pixels, as equal as can be. */
template <typename Count>
static inline void inParts(Window window, int n, int most, Count count) {
  const int parts = divideUp(n, most);
  for (int part = 0, i = 0; part < parts; part++) {
    const int pixels = divideUp(n - i, parts - part);
    count(window, pixels, i);
    window.start += pixels * window.step;
    i += pixels;
  }
}
