import { UsageError } from "onebit";
import type { TensorRole } from "onebit/graph";
import { unknownName } from "onebit/words";
import type { GroupRule, RateRule } from "./config.js";
import type { Constant } from "./optimiser.js";

const decays = { fits: (x: number) => x >= 0 && x < 1, wanted: "from 0 to below 1" };
const least0 = { fits: (x: number) => x >= 0, wanted: "0 or more" };

const RANGES: { readonly [C in Constant]: typeof decays } = {
  beta1: decays,
  beta2: decays,
  momentum: decays,
  epsilon: { fits: (x) => x > 0, wanted: "above 0" },
  adaptivity: { fits: (x) => x > 0 && x <= 1, wanted: "above 0, up to 1" },
  threshold: least0,
  weightDecay: least0,
};

export function checkConstant(constant: Constant, value: number, of = "optimiser"): void {
  const { fits, wanted } = RANGES[constant];
  if (typeof value === "number" && fits(value)) return;
  throw new UsageError(`${of}.${constant} is ${JSON.stringify(value)}, must be ${wanted}`);
}

const ROLES: { readonly [role in TensorRole]: true } = {
  ...{ binary: true, stem: true, classifier: true, gate: true },
  ...{ shortcut: true, norm: true, other: true },
};

interface Wanted {
  readonly fits: (value: unknown) => boolean;
  readonly wanted: string;
}

const text: Wanted = { fits: (value) => typeof value === "string", wanted: "a text" };
const number: Wanted = {
  fits: (value) => typeof value === "number" && value >= 0,
  wanted: "0 or more",
};

const CONDITIONS = {
  rank: { fits: Number.isSafeInteger, wanted: "a number of dimensions" },
  nameIncludes: text,
  pattern: text,
  role: {
    fits: (value) => typeof value === "string" && Object.hasOwn(ROLES, value),
    wanted: Object.keys(ROLES).join(" or "),
  },
} satisfies { readonly [field: string]: Wanted };

const RULE: { readonly [field in keyof GroupRule]-?: Wanted } = {
  name: text,
  ...CONDITIONS,
  weightDecay: number,
  learningRateScale: number,
  kind: text,
};

/** UsageError for a rule of `optimiser.groups` that says nothing, or what nobody understands. */
export function checkRule(rule: GroupRule): void {
  const where = `optimiser.groups, ${JSON.stringify(rule?.name)}`;
  checkFields(rule, RULE, where);
  if (rule.name === undefined) throw new UsageError(`${where}: a name is wanted`);
  if (Object.keys(CONDITIONS).some((condition) => Object.hasOwn(rule, condition))) return;
  throw new UsageError(`${where}: says of no tensors: give ${Object.keys(CONDITIONS).join(", ")}`);
}

const RATE: { readonly [field in keyof RateRule]-?: Wanted } = {
  pattern: text,
  factor: { fits: (value) => typeof value === "number" && value > 0, wanted: "above 0" },
};

/** The same of `optimiser.rates`. */
export function checkRate(rule: RateRule): void {
  const where = `optimiser.rates: ${JSON.stringify(rule)}`;
  const whole = `${where}: a pattern and a factor above 0 are wanted; what is not to be trained at all is frozen (optimiser.freeze)`;
  if (!isGroup(rule)) throw new UsageError(whole);
  const { pattern, factor, ...rest } = rule;
  checkFields(rest, RATE, where);
  if (RATE.pattern.fits(pattern) && RATE.factor.fits(factor)) return;
  throw new UsageError(whole);
}

function checkFields(
  rule: object,
  wanted: { readonly [field: string]: Wanted },
  where: string,
): void {
  if (!isGroup(rule)) throw new UsageError(`${where}: a group of fields is wanted`);
  for (const [field, value] of Object.entries(rule)) {
    if (!Object.hasOwn(wanted, field)) {
      throw new UsageError(`${where}: ${unknownName("field", field, Object.keys(wanted))}`);
    }
    if (value === undefined || wanted[field].fits(value)) continue;
    throw new UsageError(
      `${where}: ${field} is ${JSON.stringify(value)}, must be ${wanted[field].wanted}`,
    );
  }
}

const isGroup = (value: unknown) =>
  typeof value === "object" && value !== null && !Array.isArray(value);
