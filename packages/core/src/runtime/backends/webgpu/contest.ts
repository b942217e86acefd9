import { elementCount } from "../../../program/geometry.js";
import type { Program, ProgramTensors } from "../../../program/types.js";
import type { Backend, CompileOptions, Executable } from "../../backend.js";
import type { Chosen } from "../../backends.js";
import { DEFAULT_BUDGET } from "../../budget.js";

/** Milliseconds: what a GPU takes to answer at all, and to be worth its start. */
const QUICK = 8;
/** Of each side: enough that V8 has compiled what it runs. */
const RACE = 100;
/** For the rival to get ready. */
const PATIENCE = 3000;

/**
 * Lets a GPU run the program against what "auto" has chosen, on an image of zeros: the faster one stays, and
 * the reasons say why. What a GPU could not do faster, and what a processor would compute in its name, is
 * not tried, nor its code loaded.
 */
export async function contest(
  chosen: Chosen,
  load: () => Promise<Backend>,
  program: Program,
  tensors: ProgramTensors,
  options: CompileOptions,
): Promise<Chosen> {
  const lost = (why: string) => ({ ...chosen, reasons: { ...chosen.reasons, webgpu: why } });
  const { name } = chosen.backend;
  try {
    const own = await timed(chosen.executable, program);
    if (own < QUICK) return lost(`not tried: ${name} takes ${ms(own)} for an image`);
    const adapter = await navigator.gpu.requestAdapter({ powerPreference: "high-performance" });
    if (!adapter) return lost("no adapter");
    const gpu = nameOfAdapter(adapter.info);
    if (isSoftware(adapter.info)) return lost(`not tried: ${gpu} is software`);
    const { memory = DEFAULT_BUDGET.memory } = options;
    const left = memory - (chosen.executable.memoryBytes ?? 0);
    const rival = await inTime(load, (one) =>
      one.compile(program, tensors, { ...options, memory: left }),
    );
    if (!rival) return lost(`not ready within ${PATIENCE / 1000} s`);
    const { backend, executable } = rival;
    const theirs = await timed(executable, program);
    const times = `${ms(theirs)} for an image on ${gpu}, ${name} ${ms(own)}`;
    if (theirs > 0.9 * own) {
      executable.dispose();
      return lost(`${times}`);
    }
    chosen.executable.dispose();
    return { backend, executable, reasons: { ...chosen.reasons, [name]: `webgpu takes ${times}` } };
  } catch (error) {
    return lost((error as Error).message);
  }
}

const ms = (time: number) => `${time.toFixed(1)} ms`;

/** Undefined where it takes too long. */
async function inTime(
  load: () => Promise<Backend>,
  compile: (backend: Backend) => Promise<Executable>,
): Promise<{ backend: Backend; executable: Executable } | undefined> {
  const making = load().then(async (backend) => ({ backend, executable: await compile(backend) }));
  const late = new Promise<undefined>((resolve) => setTimeout(resolve, PATIENCE));
  const made = await Promise.race([making, late]);
  if (!made) making.then(({ executable }) => executable.dispose()).catch(() => {});
  return made;
}

/** The least of some runs on zeros, the first of which does not count. */
async function timed(executable: Executable, { values, input }: Program): Promise<number> {
  const image = new Float32Array(elementCount(values[input].shape));
  await executable.run(image, 1);
  const end = performance.now() + RACE;
  let least = Number.POSITIVE_INFINITY;
  do {
    const start = performance.now();
    await executable.run(image, 1);
    least = Math.min(least, performance.now() - start);
  } while (performance.now() < end);
  return least;
}

/** "nvidia ampere": for people, and as a key of what has been measured. */
export function nameOfAdapter({ vendor, architecture, description }: GPUAdapterInfo): string {
  return [vendor, architecture].filter(Boolean).join(" ") || description || "an unnamed adapter";
}

/** Computed by the processor: right, and slow. */
export function isSoftware(info: GPUAdapterInfo): boolean {
  const names = `${info.architecture} ${info.description}`;
  return info.isFallbackAdapter || /swiftshader|llvmpipe|basic render/i.test(names);
}
