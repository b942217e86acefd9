import { describe, expect, test } from "vitest";
import { stateDict } from "../state-dict.js";
import { fixture, openBytes } from "../test-support/checks.js";
import { unreadNote } from "../unread.js";

/** Everything that CPython's pickle wrote beside the weights, by place; see fixtures/README.md. */
const objects: Record<string, RegExp> = {
  args: /^argparse\.Namespace$/,
  path: /^pathlib\.PurePosixPath$/,
  "paths.0": /^pathlib\.PurePosixPath$/,
  set: /^set$/,
  frozenset: /^frozenset$/,
  date: /^datetime\.datetime$/,
  delta: /^datetime\.timedelta$/,
  zone: /^datetime\.datetime$/,
  decimal: /^decimal\.Decimal$/,
  fraction: /^fractions\.Fraction$/,
  mode: /^config\.Mode$/,
  flags: /^config\.Color$/,
  train: /^config\.Train$/,
  slots: /^config\.Slots$/,
  attr: /^config\.Attr$/,
  "attr.inner": /^config\.Attr$/,
  items: /^config\.Items$/,
  // Below protocol 4, keyword arguments go through a partial.
  kw: /^config\.Kw$|^functools\.partial$/,
  pair: /^config\.Pair$/,
  partial: /^functools\.partial$/,
  complex: /^complex$/,
  bytes: /^bytes$/,
  bytearray: /^bytearray$|^bytes$/,
  range: /^x?range$/,
  slice: /^slice$/,
  ellipsis: /^Ellipsis$/,
  notimpl: /^NotImplemented$/,
  uuid: /^uuid\.UUID$/,
  regex: /^re\._compile$/,
  simple: /^types\.SimpleNamespace$/,
  logger: /^logging\.getLogger$/,
  error: /ValueError$/,
  class: /^argparse\.Namespace$/,
  function: /^posix\.getcwd$/,
  method: /^getattr$/,
  "np_rng.1": /^numpy\.ndarray$/,
  generator: /^numpy\.random\./,
  array: /^numpy\.ndarray$/,
  fortran: /^numpy\.ndarray$/,
  objects: /^numpy\.ndarray$/,
  texts: /^numpy\.ndarray$/,
  text_scalar: /^numpy\.generic$/,
  datetime64: /^numpy\.generic$/,
  dtype: /^numpy\.dtype$/,
  record: /^numpy\.dtype V4$/,
  "dotted.a.b": /^several values of one name$/,
  "line\\u{a}break": /^a value without a usable name$/,
  self: /^config\.Attr$/,
  "self.inner": /^config\.Attr$/,
};

const values = {
  "attr.lr": 0.5,
  "attr.inner.deep": 1,
  "default.a": [1],
  "default_own.a": 1,
  "counter.a": 2,
  deque: [1, 2],
  "np_rng.0": "MT19937",
  scalar: 0.5,
  none: null,
  big: 2n ** 200n,
  "int_keys.-5": 2,
  "none_key.None": 1,
  "tuple_key.(0, a)": 1,
  "bool_key.1": 1,
  "float_key.0.5": 1,
};

describe.each([
  ["beside-zip-2.pth", "torch-zip"],
  ["beside-legacy-3.pth", "torch-legacy"],
  ["beside-legacy-4.pth", "torch-legacy"],
  ["beside-zip-5.pth", "torch-zip"],
])("%s", (file, format) => {
  test("the weights are read, whatever lies beside them", async () => {
    const checkpoint = await openBytes(fixture(file));
    expect(checkpoint.format).toBe(format);
    const { wrapper, tensors } = stateDict(checkpoint);
    expect(wrapper).toEqual(["state_dict"]);
    expect([...tensors.keys()]).toEqual(["w"]);
    expect([...(await tensors.get("w")!.floats())]).toEqual([1.5, -2.25, 3]);
  });

  test("every object is listed by its place and class, every plain value read", async () => {
    const { unread, metadata } = await openBytes(fixture(file));
    expect(unread.values.map(({ place }) => place)).toEqual(Object.keys(objects));
    for (const { place, what } of unread.values) expect(what).toMatch(objects[place]);
    expect(unread.count).toBe(Object.keys(objects).length + 1);
    expect(Object.fromEntries(metadata)).toMatchObject(values);
    expect(unreadNote(unread)).toMatch(
      /^left unread: args \(argparse\.Namespace\), path \(pathlib\.PurePosixPath\), paths\.0 and 1 like it .* and 43 more$/,
    );
  });
});
