import { halved, norm, plainConv, quantised, type ZooBuilder, type ZooNetwork } from "./builder.js";

/**
 * QuickNet, small and large (larq_zoo/sota/quicknet.py at 0ff5984): they differ in widths, which their arrays tell, and
 * in blocks. The blurring convolutions of transitions are not trained, but stored.
 */
export const quickNets: readonly ZooNetwork[] = [
  { name: "QuickNet", build: (z) => quicknet(z, [4, 4, 4, 4]) },
  { name: "QuickNetLarge", build: (z) => quicknet(z, [6, 8, 12, 6]) },
];

function quicknet(z: ZooBuilder, blocks: readonly number[]): void {
  stem(z);
  for (const [stage, count] of blocks.entries()) {
    if (stage > 0) transition(z);
    for (let i = 0; i < count; i++) {
      const before = z.last;
      z.stored("QuantConv2D", { ...quantised("ste_sign"), activation: "relu", pad_values: 1 });
      const main = z.stored("BatchNormalization", norm(1e-5));
      z.plain("Add", {}, [main, before]);
    }
  }
  z.plain("ReLU");
  z.plain("GlobalAveragePooling2D");
  z.stored("QuantDense", {});
}

function stem(z: ZooBuilder): void {
  z.stored("QuantConv2D", { ...plainConv, ...halved });
  z.stored("BatchNormalization", norm(1e-3));
  z.plain("ReLU");
  z.stored("QuantDepthwiseConv2D", { ...plainConv, ...halved });
  z.stored("BatchNormalization", { ...norm(1e-3, false), center: false });
  z.stored("QuantConv2D", { use_bias: false });
  z.stored("BatchNormalization", norm(1e-3));
}

function transition(z: ZooBuilder): void {
  z.plain("ReLU");
  z.plain("MaxPooling2D", { pool_size: 2, strides: 1 });
  z.stored("DepthwiseConv2D", { ...plainConv, ...halved });
  z.stored("QuantConv2D", { use_bias: false });
  z.stored("BatchNormalization", norm(1e-5));
}
