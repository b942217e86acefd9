import type { Dispatch } from "./compiling.js";
import type { Params } from "./params.js";
import { withLibrary } from "./wgsl.js";

/** What every shader has first. */
export interface Workgroups {
  readonly params: Params;
  /** Workgroups for one image. */
  readonly count: number;
  /** Threads of each. */
  readonly size: readonly [number, number];
  readonly declarations?: string;
  /** What a thread does: `tile` is the number of its workgroup, `local` its own. */
  readonly main: string;
}

/**
 * A shader of `count` workgroups for each image. They are dealt out in two dimensions, because one has not
 * many; images are the third.
 */
export function workgroups({ params, count, size, declarations = "", main }: Workgroups): Dispatch {
  const tiles = params.u32("tiles", count);
  const body = `${declarations}
@compute @workgroup_size(${size.join(", ")})
fn main(@builtin(workgroup_id) place: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>) {
  let tile = place.y * groups.x + place.x;
  if (tile >= ${tiles}) { return; }
  base = place.z * p.imageWords;
${main}
}
`;
  const shader = withLibrary(params.struct, body);
  return { shader, params, workgroups: count, threads: size[0] * size[1] };
}

const THREADS = 64;

/** A thread for each of `count` elements: `i`. */
export function elements(params: Params, count: number, body: string): Dispatch {
  params.u32("elements", count);
  const main = `  let i = tile * ${THREADS}u + local.x;
  if (i < p.elements) {${body}
  }`;
  return workgroups({ params, count: Math.ceil(count / THREADS), size: [THREADS, 1], main });
}
