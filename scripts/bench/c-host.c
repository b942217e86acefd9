/* CPU milliseconds of an image, and how many are right: c-host IMAGES LABELS, of IDX files. See bench-c.mjs. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include "net.h"

static uint8_t *contents(const char *path, size_t header, size_t size) {
  FILE *file = fopen(path, "rb");
  uint8_t *bytes = malloc(size);
  if (!file || !bytes || fseek(file, (long)header, SEEK_SET) || fread(bytes, 1, size, file) != size) exit(1);
  fclose(file);
  return bytes;
}

int main(int argc, char **argv) {
  enum { IMAGES = 10000, SIZE = NET_WIDTH * NET_HEIGHT };
  if (argc != 3) return 1;
  const uint8_t *images = contents(argv[1], 16, (size_t)IMAGES * SIZE);
  const uint8_t *labels = contents(argv[2], 8, IMAGES);
  float scores[NET_CLASSES];
  for (int i = 0; i < 200; i++) net_run(images + i * SIZE, scores);
  int right = 0;
  const clock_t start = clock();
  for (int i = 0; i < IMAGES; i++) {
    int best = 0;
    net_run(images + i * SIZE, scores);
    for (int c = 1; c < NET_CLASSES; c++) best = scores[c] > scores[best] ? c : best;
    right += best == labels[i];
  }
  printf("%f %d\n", 1e3 * (double)(clock() - start) / CLOCKS_PER_SEC / IMAGES, right);
  return 0;
}
