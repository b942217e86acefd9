import { halved, norm, plainConv, quantised, type ZooBuilder, type ZooNetwork } from "./builder.js";

export const birealNet: ZooNetwork = {
  name: "Bi-Real Net",
  build(z) {
    z.stored("Conv2D", { ...plainConv, ...halved });
    z.stored("BatchNormalization", norm(1e-3));
    z.plain("MaxPooling2D", { pool_size: 3, ...halved, padding: "same" });
    residual(z, 16, "magnitude_aware_sign", 1e-3);
    z.plain("GlobalAveragePooling2D");
    z.stored("Dense", {});
  },
};

export const resnetE18: ZooNetwork = {
  name: "BinaryResNetE-18",
  build(z) {
    z.stored("Conv2D", { ...plainConv, ...halved });
    z.stored("BatchNormalization", norm(1e-5));
    z.plain("ReLU");
    z.plain("MaxPooling2D", { pool_size: 3, ...halved, padding: "same" });
    z.stored("BatchNormalization", norm(1e-5));
    residual(z, 16, "ste_sign", 1e-5);
    z.plain("ReLU");
    z.plain("GlobalAveragePooling2D");
    z.stored("Dense", {});
  },
};

/** Four stages whose binary convolutions each have a shortcut, which halves where channels double. */
function residual(zoo: ZooBuilder, blocks: number, kernel: string, epsilon: number): void {
  for (let i = 0; i < blocks; i++) {
    const before = zoo.last;
    // Where channels double, the shortcut's convolution is built first.
    const doubles = i > 0 && i % (blocks / 4) === 0;
    let shortcut = before;
    if (doubles) {
      zoo.plain("AveragePooling2D", { pool_size: 2, padding: "same" });
      zoo.stored("Conv2D", plainConv);
      shortcut = zoo.stored("BatchNormalization", norm(epsilon));
    }
    zoo.stored("QuantConv2D", { ...quantised(kernel), ...(doubles && halved) }, before);
    const main = zoo.stored("BatchNormalization", norm(epsilon));
    zoo.plain("Add", {}, [main, shortcut]);
  }
}
