import { halved, norm, plainConv, quantised, type ZooNetwork } from "./builder.js";

export const xnorNet: ZooNetwork = {
  name: "XNOR-Net",
  build(z) {
    const pool = { pool_size: 3, ...halved };
    z.stored("Conv2D", { ...plainConv, strides: [4, 4] });
    z.stored("BatchNormalization", norm(1e-5, false));
    z.plain("ReLU");
    z.plain("MaxPooling2D", pool);
    z.stored("BatchNormalization", norm(1e-4, false));
    for (const [pooled, padding] of [
      [true, "same"],
      [false, "same"],
      [false, "same"],
      [true, "same"],
      [false, "valid"],
    ] as const) {
      z.stored("QuantConv2D", { ...quantised("xnor_weight_scale"), padding });
      if (pooled) z.plain("MaxPooling2D", pool);
      z.stored("BatchNormalization", norm(1e-4, false));
    }
    z.stored("QuantConv2D", { ...quantised("xnor_weight_scale"), padding: "valid" });
    z.stored("BatchNormalization", norm(1e-3, false));
    z.plain("ReLU");
    z.plain("Flatten");
    z.stored("Dense", { use_bias: false });
  },
};

export const binaryAlexNet: ZooNetwork = {
  name: "Binary AlexNet",
  build(z) {
    const pool = { pool_size: 3, ...halved };
    const binary = quantised("ste_sign");
    for (const [stride, pooled] of [
      [4, true],
      [1, true],
      [1, false],
      [1, false],
      [1, true],
    ] as const) {
      const first = z.last === "image" ? { input_quantizer: null } : {};
      z.stored("QuantConv2D", { ...binary, ...first, strides: [stride, stride] });
      if (pooled) z.plain("MaxPooling2D", pool);
      z.stored("BatchNormalization", norm(1e-3, false));
    }
    z.plain("Flatten");
    for (let i = 0; i < 3; i++) {
      z.stored("QuantDense", binary);
      z.stored("BatchNormalization", norm(1e-3, false));
    }
  },
};
