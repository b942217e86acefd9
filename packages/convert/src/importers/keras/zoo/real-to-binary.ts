import { halved, norm, plainConv, quantised, type ZooBuilder, type ZooNetwork } from "./builder.js";

const FIRST = "_block_1_conv2d";
const epsilon = 1e-3;

/** Larq Zoo's Real-to-Binary network (larq_zoo/literature/real_to_bin_nets.py at b3577cc), whose layers have names. */
export const realToBinaryNet: ZooNetwork = {
  name: "RealToBinaryNet",
  build(z) {
    const network = z.prefix(FIRST);
    z.named("Conv2D", `${network}${FIRST}`, { ...plainConv, ...halved });
    z.named("BatchNormalization", `${network}_block_1_batch_norm`, norm(epsilon));
    z.named("PReLU", `${network}_block_1_prelu`, {});
    z.plain("MaxPooling2D", { pool_size: 3, ...halved, padding: "same" });
    for (let block = 2; block < 10; block++) {
      for (const half of ["a", "b"]) {
        halfBlock(
          z,
          `${network}_block_${block}${half}`,
          half === "a" && block > 3 && block % 2 === 0,
        );
      }
    }
    z.plain("GlobalAveragePooling2D");
    z.named("Dense", `${network}_block_10_logits`, {});
  },
};

/** Normalised, convolved, scaled by what the input is on average, sloped, and added to what came in. */
function halfBlock(z: ZooBuilder, key: string, doubles: boolean): void {
  const before = z.last;
  let shortcut = before;
  if (doubles) {
    z.plain("AveragePooling2D", { pool_size: 2, padding: "same" });
    z.named("Conv2D", `${key}_shortcut_conv2d`, { use_bias: false });
    shortcut = z.named("BatchNormalization", `${key}_shortcut_batch_norm`, norm(epsilon));
  }
  const normed = z.named("BatchNormalization", `${key}_batch_norm`, norm(epsilon), before);
  const how = { ...quantised("ste_sign"), ...(doubles && halved) };
  const convolved = z.named("QuantConv2D", `${key}_conv2d`, how);
  z.plain("GlobalAveragePooling2D", {}, [normed]);
  z.named("Dense", `${key}_scaling_dense_reduce`, { activation: "relu", use_bias: false });
  z.named("Dense", `${key}_scaling_dense_expand`, { activation: "sigmoid", use_bias: false });
  const scales = z.plain("Reshape", { target_shape: [1, 1, -1] });
  z.plain("Multiply", {}, [convolved, scales]);
  const sloped = z.named("PReLU", `${key}_prelu`, {});
  z.plain("Add", {}, [sloped, shortcut]);
}
