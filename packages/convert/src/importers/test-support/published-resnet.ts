import type { Tensor } from "onebit/graph";
import type { Tensors } from "./checkpoints.js";
import { add, type Conv, globalAverage, Module, maxPool, relu, zeros } from "./plain-modules.js";

/** F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, planes // 4, planes // 4)) */
function optionA(x: Tensor, planes: number): Tensor {
  const [, channels, height, width] = x.shape;
  const y = zeros([1, planes, Math.ceil(height / 2), Math.ceil(width / 2)]);
  const before = Math.floor(planes / 4);
  for (let c = 0; c < channels; c++)
    for (let i = 0; i < height; i += 2)
      for (let j = 0; j < width; j += 2) {
        const to = ((c + before) * y.shape[2] + i / 2) * y.shape[3] + j / 2;
        y.data[to] = x.data[(c * height + i) * width + j];
      }
  return y;
}

/** Logits of torchvision's ResNet and of those for CIFAR; whose it is, the keys tell. */
export function publishedResnet(dict: Tensors, image: Tensor): Float64Array {
  const m = new Module(dict);
  const kernel = dict["conv1.weight"].shape[2];
  const stem = kernel === 7 ? { stride: 2, padding: 3 } : { padding: 1 };
  let x = relu(m.norm("bn1", m.conv("conv1", image, stem)));
  if (kernel === 7) x = maxPool(x, { kernel: 3, stride: 2, padding: 1 });
  for (let stage = 1; m.has(`layer${stage}.0.conv1.weight`); stage++)
    for (let i = 0; m.has(`layer${stage}.${i}.conv1.weight`); i++) {
      x = block(m, `layer${stage}.${i}`, x, stage > 1 && i === 0 ? 2 : 1);
    }
  return m.linear(m.has("fc.weight") ? "fc" : "linear", globalAverage(x));
}

function block(m: Module, key: string, x: Tensor, stride: number): Tensor {
  const layer = (n: number, input: Tensor, conv: Conv) =>
    m.norm(`${key}.bn${n}`, m.conv(`${key}.conv${n}`, input, conv));
  const isBottleneck = m.has(`${key}.conv3.weight`);
  const y = isBottleneck
    ? layer(3, relu(layer(2, relu(layer(1, x, {})), { stride, padding: 1 })), {})
    : layer(2, relu(layer(1, x, { stride, padding: 1 })), { padding: 1 });
  const projected = ["downsample", "shortcut"].find((name) => m.has(`${key}.${name}.0.weight`));
  if (projected) {
    const conv = m.conv(`${key}.${projected}.0`, x, { stride });
    return relu(add(y, m.norm(`${key}.${projected}.1`, conv)));
  }
  return relu(add(y, y.shape[1] === x.shape[1] ? x : optionA(x, y.shape[1])));
}
