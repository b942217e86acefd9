import { OnebitError } from "onebit";
import { expect, test } from "vitest";
import { memoryBuffer } from "../readers/async-buffer.js";
import { floats, type Part } from "../readers/test-support/bytes.js";
import {
  call,
  dict,
  global,
  integer,
  list,
  none,
  orderedDict,
  pickle,
  storage,
  tensor,
  text,
  tuple,
} from "../readers/test-support/pickles.js";
import { torchZip } from "../readers/test-support/zips.js";
import { importCheckpoint } from "./import-checkpoint.js";
import { torchFile, weightsOf } from "./test-support/checkpoints.js";

const w = tensor({ storage: storage({ count: 2 }), shape: [2], strides: [1] });

/** An instance of a class, as pickle writes it from protocol 2 on. */
const instance = (module: string, name: string, ...state: [Part, Part][]): Part => [
  global(module, name),
  [")", 0x81],
  dict(...state),
  "b",
];
const network = instance(
  "bnext",
  "BNext",
  [text("training"), 0x89],
  [text("_parameters"), dict([text("w"), w])],
  [text("_buffers"), orderedDict],
  [text("_modules"), orderedDict],
);

const refused = async (root: Part, message: RegExp) => {
  const file = torchZip(pickle(root), { 0: floats([1, 2]) });
  const importing = importCheckpoint(memoryBuffer(file, "net.pth"));
  await expect(importing).rejects.toThrow(message);
  await expect(importing).rejects.toThrow(OnebitError);
};

const advice = (variable: string) =>
  `which onebit never runs: load the file in PyTorch and save only the weights, torch\\.save\\(${variable}\\.state_dict\\(\\), "weights\\.pth"\\)`;

test.each<[string, Part, RegExp]>([
  [
    "a whole network",
    network,
    new RegExp(
      `^net\\.pth: the file holds a whole network .*class bnext\\.BNext.*${advice("net")}`,
    ),
  ],
  [
    "a whole network in a dict",
    dict([text("epoch"), integer(3)], [text("model"), network]),
    new RegExp(`model holds a whole network .*${advice('checkpoint\\["model"\\]')}`),
  ],
  [
    "a whole network beside an optimiser",
    dict(
      [text("model"), network],
      [text("optimizer"), dict([text("state"), dict([integer(0), w])])],
    ),
    /model holds a whole network/,
  ],
  [
    "a whole network beside a metric",
    dict([text("model"), network], [text("curve"), w]),
    /model holds a whole network/,
  ],
  [
    "a class of one's own",
    instance("train", "State", [text("state_dict"), dict([text("w"), w])]),
    /the file holds an object with code \(class train\.State\)/,
  ],
  ["a list of numbers", list(integer(1), none), /no tensors/],
])("%s is refused, with what to do", (_, root, message) => refused(root, message));

const tensors = weightsOf("bnext", { widths: [8, 8], classes: 4, input: [3, 32, 32] });

test("a tensor of a type that is not read is named where it is missing", async () => {
  const over = storage({
    key: text("f8"),
    count: 32,
    type: global("torch.storage", "UntypedStorage"),
  });
  const float8 = call(
    global("torch._utils", "_rebuild_tensor_v3"),
    over,
    ...[integer(0), tuple(integer(4), integer(8)), tuple(integer(8), integer(1)), 0x89],
    ...[orderedDict, global("torch", "float8_e4m3fn"), dict()],
  );
  const { "fc.weight": _, ...rest } = tensors;
  const named = [[text("fc.weight"), float8]] as const;
  const whole = torchFile(tensors, [[text("scale"), float8]], { f8: new Uint8Array(32) });
  const { report } = await importCheckpoint(whole);
  expect(report.notes).toContainEqual("left unread: scale (tensor of torch.float8_e4m3fn)");
  const lacking = importCheckpoint(torchFile(rest, named, { f8: new Uint8Array(32) }));
  await expect(lacking).rejects.toThrow(/fc\.weight/);
});

test("dicts of foreign classes are looked into, their objects listed", async () => {
  const made = [global("easydict", "EasyDict"), ")", 0x81] as const;
  const args: Part = [...made, "(", text("lr"), integer(1), text("out"), [...made], "u"];
  const { report } = await importCheckpoint(
    torchFile({ epoch: 3, state_dict: { ...tensors } }, [[text("args"), args]]),
  );
  expect(report.wrapper).toEqual(["state_dict"]);
  expect(report.notes).toContainEqual(
    "left unread: args (easydict.EasyDict), args.out (easydict.EasyDict)",
  );
});
