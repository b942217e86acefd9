import { UsageError } from "onebit";
import { unknownName } from "onebit/words";
import type { Augmentation } from "./augmentation.js";
import { AUGMENTATIONS } from "./catalogue.js";
import type { OptionValue, OptionValues } from "./options.js";

/**
 * What happens to training images, by the names of AUGMENTATIONS: `false` (or left out, or 0) is off, `true`
 * has the usual options, a value is the first option, and a group of fields replaces the options it names.
 */
export interface AugmentOptions {
  readonly [name: string]: AugmentSetting;
}

/** What a recipe says of one augmentation. */
export type AugmentSetting = OptionValue | { readonly [option: string]: OptionValue };

/** What is on, with all its options. */
export type AugmentChoice = { readonly [name: string]: OptionValues };

/** Throws a UsageError that says which name or value is wrong, and what there is. */
export function resolveAugment(augment: AugmentOptions): AugmentChoice {
  const unknown = Object.keys(augment).find((name) => !known(name));
  if (unknown !== undefined) throw unknownAugmentation(unknown);
  const choice: { [name: string]: OptionValues } = {};
  for (const kind of AUGMENTATIONS) {
    const options = resolveOptions(kind, augment[kind.name]);
    if (options) choice[kind.name] = options;
  }
  return choice;
}

/** Settings of one replaced by others; a group replaces only the options that it names. */
export function overrideAugment(base: AugmentOptions, overrides: AugmentOptions): AugmentOptions {
  const merged = { ...base };
  for (const [name, setting] of Object.entries(overrides)) {
    if (setting === undefined) continue;
    const kind = known(name);
    if (!kind) throw unknownAugmentation(name);
    const before = isGroup(setting) ? resolveOptions(kind, base[name]) : undefined;
    merged[name] = before && isGroup(setting) ? { ...before, ...setting } : setting;
    resolveOptions(kind, merged[name]);
  }
  return merged;
}

/** What happens to each image by itself: without what mixes batches. */
export function imageAugmentations(augment: AugmentOptions): AugmentChoice {
  const choice = Object.entries(resolveAugment(augment));
  return Object.fromEntries(choice.filter(([name]) => known(name)?.of === "image"));
}

function known(name: string): Augmentation | undefined {
  return AUGMENTATIONS.find((kind) => kind.name === name);
}

function resolveOptions(
  kind: Augmentation,
  setting: AugmentSetting | undefined,
): OptionValues | undefined {
  if (setting === undefined || setting === false || setting === 0) return undefined;
  const usual = Object.fromEntries(
    Object.entries(kind.options).map(([option, { usual }]) => [option, usual]),
  );
  const options = { ...usual, ...givenOptions(kind, setting) };
  for (const [option, value] of Object.entries(options)) checkOption(kind, option, value);
  return options;
}

function givenOptions(kind: Augmentation, setting: Exclude<AugmentSetting, false>): OptionValues {
  if (setting === true) return {};
  if (isGroup(setting)) return setting;
  return Object.fromEntries(kind.bare.map((option) => [option, setting as OptionValue]));
}

function checkOption({ name, options }: Augmentation, option: string, value: unknown): void {
  if (!Object.hasOwn(options, option)) {
    throw new UsageError(`augment.${name}: ${unknownName("option", option, Object.keys(options))}`);
  }
  const problem = options[option].problem(value);
  if (problem) throw new UsageError(`augment.${name}.${option}: ${problem}`);
}

function unknownAugmentation(name: string): UsageError {
  const names = AUGMENTATIONS.map((kind) => kind.name);
  return new UsageError(`augment: ${unknownName("augmentation", name, names)}`);
}

function isGroup(setting: unknown): setting is { readonly [option: string]: OptionValue } {
  return typeof setting === "object" && setting !== null && !Array.isArray(setting);
}
