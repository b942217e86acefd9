// Weights from the file's order to that of the kernels.
#pragma once
#include "constants.h"
#include "program.h"

namespace onebit {

/** Blocks of up to 16 output channels, none across two groups. */
std::vector<Block> blocksOf(int32_t channels, int32_t groups);

/**
 * 1-bit weights of blocks in the job's format. words: [word of the window][16 channels]; nibbles:
 * [byte of the window][low nibbles of 16 channels, high nibbles]; bytes: [kernel row][64 channels of
 * the row][16][16 channels x 4 bits].
 */
void tileBinary(StepJob& job, const Tensor& weight, int32_t groupChannels, Constants& constants);

/** 1-bit weights of blocks whose channels are a group each: 16 of them, of each kernel position. */
void tileDepthwise(StepJob& job, const Tensor& weight, Constants& constants);

/** Float weights of blocks, each [product][16 channels]. */
void tileFloats(StepJob& job, const Tensor& weight, int32_t products, Constants& constants);

/** Where the window of each output row and column leaves the image, and what that adds. */
void deriveBorders(StepJob& job, const Tensor& weight, int32_t groupChannels, int32_t padValue,
                   Constants& constants);

}  // namespace onebit
