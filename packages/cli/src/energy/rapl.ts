import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { OnebitError } from "onebit";

/** Joules that the processor's packages have taken since a moment of its own. */
export interface EnergyCounter {
  read(): Promise<number>;
}

interface Domain {
  readonly path: string;
  /** Joules at which it begins again. */
  readonly range: number;
  last: number;
  turns: number;
}

/**
 * Counters of Intel's and AMD's processors (RAPL), as Linux shows them. They count whole packages: every core, and
 * what else runs. OnebitError says why there are none here, and what to do.
 */
export async function raplCounter(root = "/sys/class/powercap"): Promise<EnergyCounter> {
  const names = await readdir(root).catch(() => {
    throw new OnebitError(
      `--energy: no ${root} here: joules are read from RAPL counters, which Linux has on Intel's and AMD's processors, and virtual machines rarely`,
    );
  });
  const packages = names.filter((name) => /^intel-rapl:\d+$/.test(name)).sort();
  if (!packages.length) {
    throw new OnebitError(
      `--energy: ${root} has no intel-rapl counters: this processor has none, or its driver is not loaded (modprobe intel_rapl_msr)`,
    );
  }
  const domains = await Promise.all(packages.map((name) => openDomain(join(root, name))));
  return {
    read: async () => {
      const joules = await Promise.all(domains.map(readDomain));
      return joules.reduce((sum, one) => sum + one, 0);
    },
  };
}

async function openDomain(folder: string): Promise<Domain> {
  const path = join(folder, "energy_uj");
  const range = await microjoules(join(folder, "max_energy_range_uj"));
  return { path, range, last: await microjoules(path), turns: 0 };
}

async function readDomain(domain: Domain): Promise<number> {
  const now = await microjoules(domain.path);
  if (now < domain.last) domain.turns++;
  domain.last = now;
  return now + domain.turns * domain.range;
}

async function microjoules(path: string): Promise<number> {
  try {
    return Number(await readFile(path, "utf8")) / 1e6;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "EACCES") throw error;
    throw new OnebitError(
      `--energy: ${path} is only for root: sudo chmod o+r ${path} lets others read it until the next start`,
    );
  }
}
