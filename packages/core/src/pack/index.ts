export type { Tensors } from "../graph/constants.js";
export type { ZeroWeights } from "./binary-weights.js";
export { type Packed, type PackOptions, pack } from "./pack.js";
export { type Unpacked, unpack } from "./unpack.js";
