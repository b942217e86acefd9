import type { AnySubject } from "@onebit/train/subjects";
import { type BackendFacts, type BackendName, backendFor, type FloatTensor } from "onebit";
import type { Inside, Tracer } from "./inside.js";
import { imageOf, type Trace } from "./tensors.js";
import { type Difference, type NearFlip, Walk } from "./walk.js";
import { walkFloat } from "./walk-float.js";
import { walkPacked } from "./walk-packed.js";

/** A network, and what can be seen inside it. */
export interface Opened {
  readonly subject: AnySubject;
  readonly inside: Inside;
}

export interface Bisection {
  readonly images: number;
  /** Values that both networks have, and that were compared. */
  readonly compared: number;
  /** First node first; of each, the image in which it differs most. */
  readonly differences: readonly (Difference & { readonly image: number })[];
  readonly flips: readonly (NearFlip & { readonly image: number })[];
  /** Steps that a's or b's backend computes otherwise than the plain arithmetic of the contract. */
  readonly backendFaults: readonly (Difference & {
    readonly image: number;
    readonly backend: string;
  })[];
  readonly ok: boolean;
}

/**
 * Walks two networks node by node. One of them (packed before float before ONNX) is computed here,
 * each step from the other's values, so that every fault is found, not only the first. Two ONNX
 * models are compared by the names they share, each on its own way.
 */
export async function bisect(
  a: Opened,
  b: Opened,
  images: FloatTensor,
  tolerance: number,
): Promise<Bisection> {
  const swapped = rank(b) < rank(a);
  const [walker, other] = swapped ? [b, a] : [a, b];
  const { subject, inside } = walker;
  const isWanted = wantedBy(inside);
  const tracer = await other.inside.tracer(isWanted);
  const own = await ownTracer(walker, isWanted);
  const findings = new Findings(swapped);
  const faults = new Findings(false);
  try {
    for (let image = 0; image < images.shape[0]; image++) {
      const input = imageOf(images, image);
      const walk = new Walk(tolerance);
      const trace = await tracer.trace(input);
      if (subject.kind === "packed") walkPacked(subject, input, trace, walk);
      else if (subject.kind === "float") walkFloat(subject, inside.names, input, trace, walk);
      else if (own) compareTraces(await own.trace(input), trace, inside.names, walk);
      findings.add(walk, image);
      if (subject.kind !== "packed" || !own) continue;
      const { exact } = await factsOf(subject);
      const check = new Walk(exact === "bits" ? 0 : tolerance);
      walkPacked(subject, input, await own.trace(input), check);
      faults.add(check, image);
    }
  } finally {
    await tracer.dispose();
    await own?.dispose();
  }
  const { differences, flips } = findings.sorted();
  const { backend } = subject;
  const backendFaults = faults.sorted().differences.map((fault) => ({ ...fault, backend }));
  return {
    ...{ images: images.shape[0], compared: findings.compared.size, differences },
    ...{ flips, backendFaults },
    ok: differences.length === 0 && backendFaults.length === 0 && findings.compared.size > 0,
  };
}

function rank({ subject }: Opened): number {
  return ["packed", "float", "onnx"].indexOf(subject.kind);
}

/** The walker's values, what its signs see, and the sums of its convolutions. */
function wantedBy({ names }: Inside): (name: string) => boolean {
  const known = new Set(names);
  return (name) => known.has(name) || known.has(name.replace(/:before$/, "")) || /:sum$/.test(name);
}

/** A packed network's backend is checked too, unless it is what walks; ONNX can only be traced. */
async function ownTracer(
  { subject, inside }: Opened,
  isWanted: (name: string) => boolean,
): Promise<Tracer | undefined> {
  if (subject.kind === "float") return undefined;
  if (subject.kind === "packed" && !(await factsOf(subject)).fast) return undefined;
  return inside.tracer(isWanted);
}

function factsOf({ backend }: AnySubject): Promise<BackendFacts> {
  return backendFor(backend as BackendName);
}

function compareTraces(a: Trace, b: Trace, names: readonly string[], walk: Walk): void {
  for (const [step, name] of names.entries()) {
    const value = a.values.get(name);
    walk.step = step;
    if (value) walk.value(name, "value", [name], value, b.values.get(name));
  }
}

/** What was found in several images: of each node the worst. */
class Findings {
  readonly compared = new Set<string>();
  readonly #differences = new Map<string, Difference & { image: number }>();
  readonly #flips = new Map<string, NearFlip & { image: number }>();

  constructor(readonly swapped: boolean) {}

  add(walk: Walk, image: number): void {
    for (const name of walk.compared) this.compared.add(name);
    for (const found of walk.differences) {
      const known = this.#differences.get(found.node);
      if (known && known.error >= found.error) continue;
      this.#differences.set(found.node, { ...this.#oriented(found), image });
    }
    for (const found of walk.flips) {
      const known = this.#flips.get(found.node);
      const count = found.count + (known?.count ?? 0);
      const farther = known && known.distance >= found.distance ? known : undefined;
      this.#flips.set(found.node, { ...(farther ?? { ...this.#oriented(found), image }), count });
    }
  }

  /** In the order of computation. */
  sorted() {
    const byStep = (x: { readonly step: number }, y: { readonly step: number }) => x.step - y.step;
    return {
      differences: [...this.#differences.values()].sort(byStep),
      flips: [...this.#flips.values()].sort(byStep),
    };
  }

  #oriented<T extends { readonly a: number; readonly b: number }>(found: T): T {
    return this.swapped ? { ...found, a: found.b, b: found.a } : found;
  }
}
