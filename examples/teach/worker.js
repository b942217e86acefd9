// Learns off the page's thread. Pictures come here and go nowhere else.
import { chooseWebRuntime, Examples, retrainHead, trainExamples } from "@onebit/train/web";
import * as ort from "onnxruntime-web/webgpu";

const examples = new Examples();
const tell = (message) =>
  postMessage({
    ...message,
    counts: Object.fromEntries(examples.labels.map((label) => [label, examples.count(label)])),
  });

const jobs = {
  async add({ label, picture }) {
    await examples.add(label, picture);
    picture.close?.();
    return {};
  },
  async forget({ label }) {
    examples.remove(label, { all: true });
    return {};
  },
  /** From nothing, or with a new classifier on a network that is there. */
  async train({ network }) {
    if (network) return { trained: await retrainHead(network, examples) };
    const { runtime, provider } = await chooseWebRuntime(ort);
    const onEpoch = (epoch) => tell({ epoch });
    return { provider, trained: await trainExamples(runtime, examples, { onEpoch }) };
  },
};

let queue = Promise.resolve();
self.onmessage = ({ data }) => {
  const { job, ...what } = data;
  queue = queue.then(() => jobs[job](what)).then(tell, ({ message }) => tell({ failed: message }));
};
