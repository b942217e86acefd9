import { halved, norm, plainConv, quantised, type ZooBuilder, type ZooNetwork } from "./builder.js";

const blocks: { readonly [depth: string]: readonly number[] } = {
  28: [6, 6, 6, 5],
  37: [6, 8, 12, 6],
  45: [6, 12, 14, 8],
};

export const binaryDenseNets = Object.entries(blocks).map(
  ([depth, layers]): ZooNetwork => ({
    name: `BinaryDenseNet-${depth}`,
    build: (z) => dense(z, layers),
  }),
);

function dense(z: ZooBuilder, blocks: readonly number[]): void {
  const bn = norm(1e-5);
  z.stored("Conv2D", { ...plainConv, ...halved });
  z.stored("BatchNormalization", bn);
  z.plain("ReLU");
  z.plain("MaxPooling2D", { pool_size: 3, ...halved, padding: "same" });
  for (const [i, layers] of blocks.entries()) {
    for (let layer = 0; layer < layers; layer++) {
      const x = z.last;
      z.stored("BatchNormalization", bn);
      const grown = z.stored("QuantConv2D", quantised("ste_sign"));
      z.plain("Concatenate", {}, [x, grown]);
    }
    if (i === blocks.length - 1) continue;
    z.stored("BatchNormalization", bn);
    z.plain("MaxPooling2D", { pool_size: 2 });
    z.plain("ReLU");
    z.stored("Conv2D", plainConv);
  }
  z.stored("BatchNormalization", bn);
  z.plain("ReLU");
  z.plain("GlobalAveragePooling2D");
  z.stored("Dense", {});
}
