import * as fc from "fast-check";
import { OnebitError } from "onebit";
import { describe, expect, test } from "vitest";
import { cursorOver } from "../cursor.js";
import { bytes, int, type Part } from "../test-support/bytes.js";
import { expectQuick } from "../test-support/checks.js";
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
} from "../test-support/pickles.js";
import { unreadNote } from "../unread.js";
import { flatten } from "./flatten.js";
import { torchPolicy } from "./globals.js";
import { unpickle } from "./pickle.js";
import {
  PickleDict,
  type PickleList,
  PickleOpaque,
  type PickleTuple,
  type PickleValue,
} from "./pickle-values.js";

const load = (data: Uint8Array<ArrayBuffer>): PickleValue =>
  unpickle(cursorOver(data), torchPolicy(new Map()));

const loadValue = (...value: readonly Part[]): PickleValue => load(pickle(...value));

/** Loads and lists like a checkpoint would; fails unless that is refused within a second. */
function refuses(data: Uint8Array<ArrayBuffer>, message: RegExp): void {
  const start = process.cpuUsage();
  let outcome: unknown = "it was accepted";
  try {
    flatten(load(data));
  } catch (error) {
    outcome = error;
  }
  expect(outcome).toBeInstanceOf(OnebitError);
  expect((outcome as Error).message).toMatch(message);
  expectQuick(start);
}

describe("values, as pickletools describes them", () => {
  test.each<[string, Part[], PickleValue]>([
    ["None", ["N"], null],
    ["True", [0x88], true],
    ["BININT negative", ["J", int(-5, 4)], -5],
    ["BININT1", ["K", 255], 255],
    ["BININT2", ["M", int(65535, 2)], 65535],
    ["LONG1 empty", [0x8a, 0], 0],
    ["LONG1 -1", [0x8a, 1, 0xff], -1],
    ["LONG1 255", [0x8a, 2, 0xff, 0], 255],
    ["LONG1 wide", [0x8a, 10, int(0x1950a86a20f9469cfc6cn, 10)], 0x1950a86a20f9469cfc6cn],
    ["LONG4", [0x8b, int(2, 4), int(-300, 2)], -300],
    [
      "LONG4 too wide for anything but bytes",
      [0x8b, int(300, 4), new Uint8Array(300)],
      new Uint8Array(300),
    ],
    ["LONG of protocol 1", ["L-12345678901L\n"], -12345678901],
    [
      "a lone surrogate, as of a file name",
      ["X", int(3, 4), 0xed, 0xa0, 0xbd],
      new Uint8Array([0xed, 0xa0, 0xbd]),
    ],
    ["BINFLOAT", ["G", 0xc0, 0x0c, 0, 0, 0, 0, 0, 0], -3.5],
    ["BINUNICODE", [text("näme")], "näme"],
    ["SHORT_BINUNICODE", [0x8c, 2, "ab"], "ab"],
    ["SHORT_BINSTRING of Python 2", ["U", 3, "abc"], "abc"],
    ["BINSTRING of Python 2", ["T", int(3, 4), "abc"], "abc"],
    ["STACK_GLOBAL", [text("torch"), text("float32"), 0x93, "0N"], null],
  ])("%s", (_, parts, value) => {
    expect(loadValue(...parts)).toEqual(value);
  });

  test("containers, the memo, POP, DUP and marks", () => {
    const made = loadValue("]q\x07(K\x01K\x02eh\x07", 0x86) as PickleTuple;
    const [first, second] = made.items as PickleList[];
    expect(first.items).toEqual([1, 2]);
    expect(second).toBe(first);
    expect(loadValue("K\x01K\x020")).toBe(1);
    expect(loadValue("K\x01(K\x02K\x031")).toBe(1);
    expect((loadValue("K\x012", 0x86) as PickleTuple).items).toEqual([1, 1]);
    expect((loadValue("]", "K\x01a", "K\x02a") as PickleList).items).toEqual([1, 2]);
    expect((loadValue("}K\x01K\x02s") as PickleDict).entries.get(1)).toBe(2);
  });

  test("an OrderedDict of Python 2 comes with its items", () => {
    const pairs = list(list(text("a"), integer(1)), list(text("b"), integer(2)));
    const made = loadValue(call(global("collections", "OrderedDict"), pairs)) as PickleDict;
    expect([...made.entries]).toEqual([
      ["a", 1],
      ["b", 2],
    ]);
  });

  test("a Counter, where learning-rate schedules keep their milestones", () => {
    const made = loadValue(call(global("collections", "Counter"), dict([integer(30), integer(1)])));
    expect([...(made as PickleDict).entries]).toEqual([[30, 1]]);
  });

  test("a NumPy scalar of protocol 2 writes its bytes through _codecs.encode", () => {
    const type = [
      call(global("numpy", "dtype"), text("f8"), integer(0), integer(1)),
      [tuple(integer(3), text(">"), none, none, none, integer(-1), integer(-1), integer(0)), "b"],
    ];
    const raw = call(
      global("_codecs", "encode"),
      text("@V\u00c0\u0000\u0000\u0000\u0000\u0000"),
      text("latin1"),
    );
    expect(loadValue(call(global("numpy.core.multiarray", "scalar"), type, raw))).toBe(91);
  });
});

describe("nothing is executed", () => {
  test.each([
    ["os", "system"],
    ["posix", "system"],
    ["nt", "system"],
    ["subprocess", "Popen"],
    ["builtins", "eval"],
    ["builtins", "exec"],
    ["builtins", "__import__"],
    ["__builtin__", "eval"],
    ["functools", "partial"],
    ["__main__", "<lambda>"],
    ["torch.storage", "_load_from_bytes"],
    ["torch.hub", "load"],
    ["torch", "load"],
    ["torch.nn.modules.linear", "Linear"],
    ["argparse", "Namespace"],
    ["collections", "OrderedDict.fromkeys"],
    ["collections.OrderedDict", "__class__"],
    ["torch._utils", "__class__"],
    ["constructor", "constructor"],
  ])("%s.%s and what it would make are opaque, by each way of making", (module, name) => {
    const args = tuple(text("id"));
    for (const made of [
      [global(module, name)],
      [text(module), text(name), 0x93],
      [global(module, name), args, "R"],
      [global(module, name), args, 0x81],
      [global(module, name), args, "}", 0x92],
      ["(", global(module, name), text("id"), "o"],
      ["(", text("id"), "i", module, "\n", name, "\n"],
      [global(module, name), args, "R", dict([text("a"), integer(1)]), "b"],
      [global(module, name), args, "R(", text("a"), "e", text("b"), "a"],
      [global(module, name), args, "R(", text("a"), 0x90],
      [global(module, name), args, "R", args, "R"],
    ] satisfies Part[][]) {
      const value = loadValue(...made);
      expect(value).toBeInstanceOf(PickleOpaque);
      expect((value as PickleOpaque).kind).toBe(`${module}.${name}`);
    }
  });

  test("what is set on an opaque value as on a dict can be looked into", () => {
    const made = call(global("easydict", "EasyDict"));
    const value = loadValue(made, "(", text("lr"), integer(3), "u", text("a"), none, "s");
    expect([...(value as PickleOpaque).items!.entries]).toEqual([
      ["lr", 3],
      ["a", null],
    ]);
  });

  test.each([
    ["EXT1", [0x82, 1]],
    ["PERSID", ["Pos\n"]],
    ["NEXT_BUFFER", [0x97]],
    ["READONLY_BUFFER", [0x98]],
    ["0xff", [0xff]],
  ])("instruction %s is refused", (name, parts) => {
    refuses(pickle(...(parts as Part[])), new RegExp(`instruction ${name}.*not allowed`));
  });

  test("what cannot be called in Python either is damage", () => {
    refuses(pickle(call(text("f"), integer(1))), /calls the string f.*nothing was executed/);
    refuses(pickle(integer(1), ")", 0x81), /calls the number 1/);
    refuses(pickle("(o"), /calls None/);
    refuses(pickle(global("torch", "float32"), "}b"), /state is given to torch\.float32/);
    refuses(pickle("]}b"), /state is given to a list/);
    refuses(pickle(orderedDict, "]b"), /state is given to a dict/);
    refuses(pickle(global("collections", "OrderedDict"), "]R"), /gets a list of 0 as arguments/);
  });

  test("a hostile name cannot write to the terminal", () => {
    const printed = (...value: Part[]) => unreadNote(flatten(loadValue(...value)).unread);
    expect(printed(global("os\x1b[2J", "x\x07"))).toMatch(/^\P{Cc}*os\\u\{1b\}\[2J\P{Cc}*$/u);
    const named = dict([text("a\x1b]0;b"), integer(1)], [text("x".repeat(600)), none]);
    expect(printed(named)).toMatch(/^\P{Cc}*a\\u\{1b\}\]0;b \(a value without a usable name\)/u);
    expect(printed(named)?.length).toBeLessThan(400);
  });
});

describe("bounds", () => {
  const many = (part: string, count: number): Part => Buffer.alloc(count * part.length, part);
  const cases: [string, Uint8Array<ArrayBuffer>, RegExp][] = [
    ["16 million lists", pickle(many("]0", 2 ** 23)), /objects/],
    ["16 million values", pickle(many("N", 2 ** 24)), /values wait/],
    ["16 million instructions", pickle(many("N0", 2 ** 23)), /instructions/],
    ["16 million marks", pickle(many("(", 2 ** 24)), /deep/],
    ["a text of 4 GiB", pickle("X", int(0xffffffff, 4)), /needs 4294967295 bytes/],
    ["a text of 2^63 bytes", pickle(0x8d, int(2n ** 63n, 8)), /no file holds/],
    ["bytes of 2 GiB", pickle("B", int(2 ** 31, 4)), /needs 2147483648 bytes/],
    ["bytes of 2 GiB, mutable", pickle(0x96, int(2 ** 31, 8)), /needs 2147483648 bytes/],
    ["an integer that is text", pickle("I1e9\n"), /no number/],
    ["an endless integer", pickle("I", many("1", 100_000)), /does not end/],
    ["an integer of 2 GiB", pickle(0x8b, int(2 ** 31, 4)), /needs 2147483648 bytes/],
    ["a frame of 2^50 bytes", pickle(0x95, int(2n ** 50n, 8)), /frame/],
    ["an endless name", pickle("c", many("a", 100_000)), /does not end/],
    ["an unknown memo", pickle("j", int(0xffffffff, 4)), /never kept/],
    ["nothing on the stack", pickle("R"), /missing/],
    ["no mark", pickle("t"), /mark is missing/],
    ["reaching below a mark", pickle("K\x01(", 0x85), /missing/],
    ["protocol 0", bytes(0x80, 0, "N."), /protocol 0/],
    ["no end", bytes(0x80, 2, "N"), /truncated/],
    ["values left over", pickle("NN"), /left over/],
    ["an unhashable key", pickle("}]Ns"), /as a key/],
    ["a key twice", pickle(dict([text("a"), none], [text("a"), none])), /a occurs twice/],
    ["True and 1 as keys", pickle(dict([0x88, none], [integer(1), none])), /1 occurs twice/],
    ["append to a tuple", pickle(")Na"), /appended to a tuple/],
    ["an odd number of items", pickle("}(Nu"), /items are set/],
  ];
  test.each(cases)("%s", (_, data, message) => refuses(data, message));

  test.each<[string, Part]>([
    ["a list inside itself", dict([text("a"), "]q\x01h\x01a"])],
    ["an opaque value inside itself", [call(global("a", "B")), "q\x01", text("x"), "h\x01s"]],
    ["a thousand dicts inside each other", [many("}U\x01a", 1000), none, many("s", 1000)]],
  ])("%s is passed over where it gets too deep", (_, value) => {
    const { unread, tensors } = flatten(loadValue(value));
    expect(unread.values.at(-1)?.what).toBe("nested too deep");
    expect(tensors).toEqual([]);
  });

  test("one long list or text for many calls", () => {
    const calls = (name: Part, long: Part): Part => [
      [long, "q", 0, "0("],
      Array.from({ length: 2000 }, (): Part => [name, "h", 0, 0x85, "R"]),
      "l",
    ];
    const pairs = ["](", Array.from({ length: 5000 }, (_, i) => [integer(i), none, 0x86]), "e"];
    const items = ["](", many("K\x01", 5000), "e"];
    const message = /calls get more than/;
    refuses(pickle(calls(global("collections", "OrderedDict"), pairs as Part)), message);
    refuses(pickle(calls(global("torch", "Size"), items)), message);
    refuses(pickle(calls(global("collections", "deque"), items)), message);
    refuses(pickle(calls(global("_codecs", "encode"), text("x".repeat(5000)))), message);
    const over = storage({ count: 6 });
    const args = tuple(over, integer(0), items, items);
    const rebuild = global("torch._utils", "_rebuild_tensor_v2");
    const typed = tuple(rebuild, global("a", "B"), args, none);
    const from: Part = [
      typed,
      "q",
      9,
      "0",
      global("torch._tensor", "_rebuild_from_type_v2"),
      "q",
      8,
    ];
    const tensors = Array.from({ length: 2000 }, (): Part => ["h", 8, "h", 9, "R"]);
    refuses(pickle(from, "0(", tensors, "l"), message);
    const lists: Part = [
      "]q",
      1,
      "(",
      many("K\x01", 3000),
      "e0]q",
      2,
      "(",
      many("h\x01", 3000),
      "e",
    ];
    refuses(pickle(lists, "0", global("torch", "Size"), "h\x02", 0x85, "R"), message);
  });

  test("many paths, keyed by long texts, and many unread values take no more than a second", () => {
    const start = process.cpuUsage();
    const key = text("k".repeat(400));
    const path: Part = ["cpathlib\nPath\n)Rq", 1, "0"];
    const long: Part = [path, "](", many("h\x01", 50_000), "eq", 2, "0"];
    const nested: Part = ["}", key, "}", key, "h\x02s", "s"];
    const { unread } = flatten(loadValue(long, nested));
    expect(unread.count).toBe(1);
    const flat = flatten(loadValue(long, dict([text("samples"), "h\x02"])));
    expect(flat.unread).toEqual({
      values: [{ place: "samples.0", what: "pathlib.Path", more: 49_999, isModule: false }],
      count: 50_000,
    });
    expectQuick(start);
  });

  test("lists of lists that double thirty times", () => {
    const leaf: Part = ["]q", 0, orderedDict, "a0"];
    const double = Array.from({ length: 30 }, (_, i): Part => ["]q", i + 1, "(h", i, "h", i, "e0"]);
    refuses(pickle(leaf, double, dict([text("a"), ["h", 30]])), /over and over/);
  });

  test("a long list in many places", () => {
    const long = ["]q\x00(", many("K\x01", 200_000), "e"];
    const pairs = Array.from({ length: 100 }, (_, i): [Part, Part] => [integer(i), "h\x00"]);
    refuses(pickle(dict([text("a"), long], ...pairs)), /over and over/);
  });
});

const leaf = fc.oneof(
  fc.constant<Part>(none),
  fc.integer({ min: -(2 ** 33), max: 2 ** 33 }).map(integer),
  fc.string({ maxLength: 5 }).map(text),
  fc.constantFrom<Part>(
    global("torch", "float16"),
    global("pathlib", "Path"),
    call(global("pathlib", "PosixPath"), text("a")),
    [call(global("argparse", "Namespace")), dict([text("lr"), integer(1)]), "b"],
    call(global("torch", "Size"), tuple(integer(2))),
    call(global("torch", "device"), text("cuda"), integer(0)),
    tensor({ storage: storage({ count: 6 }), shape: [2, 3], strides: [3, 1] }),
    tensor({ storage: storage({ count: 6 }), offset: 1, shape: [2], strides: [2] }),
  ),
);

/** Valid pickles: nested dicts, lists and tuples of everything that is allowed. */
const { value } = fc.letrec<{ value: Part }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthSize: "medium" },
    leaf,
    fc.array(tie("value"), { maxLength: 4 }).map((items) => list(...items)),
    fc.array(tie("value"), { maxLength: 4 }).map((items) => tuple(...items)),
    fc.dictionary(fc.stringMatching(/^[a-z]{1,4}$/), tie("value"), { maxKeys: 4 }).map((made) => {
      return dict(...Object.entries(made).map(([key, item]): [Part, Part] => [text(key), item]));
    }),
  ),
}));

const mutation = fc.record({
  at: fc.nat(10_000),
  remove: fc.nat(2),
  insert: fc.uint8Array({ maxLength: 2 }),
});

test("valid pickles load; mutated ones end in a value or an OnebitError (10,000 each)", () => {
  let loaded = 0;
  fc.assert(
    fc.property(value, fc.array(mutation, { minLength: 1, maxLength: 3 }), (made, mutations) => {
      const whole = pickle(dict([text("root"), made]));
      expect(load(whole)).toBeInstanceOf(PickleDict);
      let data: number[] = [...whole];
      for (const { at, remove, insert } of mutations) {
        data = data.toSpliced(at % data.length, remove, ...insert);
      }
      try {
        flatten(load(bytes(Uint8Array.from(data))));
        loaded++;
      } catch (error) {
        expect(error).toBeInstanceOf(OnebitError);
      }
    }),
    { numRuns: 10_000, seed: 3 },
  );
  console.log(`mutated pickles: ${loaded} of 10000 still loaded, the rest were refused`);
});

test("random instructions end in a value or an OnebitError (10,000 programs)", () => {
  const opcodes =
    "N()]}teusaRboQ012\x81\x85\x86\x87\x88\x8f\x90\x91\x92\x94h\x00h\x01q\x00q\x01K\x02K\x03";
  const snippet = fc.oneof(
    fc.constantFrom<Part>(...Array.from(opcodes, (code) => code.charCodeAt(0))),
    leaf,
    fc.constantFrom(
      global("collections", "OrderedDict"),
      global("collections", "defaultdict"),
      global("torch._utils", "_rebuild_tensor_v2"),
      global("torch._utils", "_rebuild_tensor_v3"),
      global("torch._utils", "_rebuild_parameter"),
      global("torch._tensor", "_rebuild_from_type_v2"),
      global("torch", "FloatStorage"),
      global("torch", "QInt8Storage"),
      global("os", "system"),
      "i__main__\nNet\n",
      global("numpy", "dtype"),
      global("numpy.core.multiarray", "scalar"),
      global("_codecs", "encode"),
    ),
  );
  fc.assert(
    fc.property(fc.array(snippet, { maxLength: 30 }), (parts) => {
      try {
        flatten(load(pickle(...parts)));
      } catch (error) {
        expect(error).toBeInstanceOf(OnebitError);
      }
    }),
    { numRuns: 10_000, seed: 4 },
  );
});
