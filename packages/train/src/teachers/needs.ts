import { UsageError } from "onebit";
import { counted } from "onebit/words";
import type { Recipe } from "../recipes/index.js";
import { type NamedTeacher, namedTeachers, seatsOf, type TeacherOptions } from "./choice.js";

/** Those of the given teachers that teach by a recipe. */
export function chosenTeachers(
  { teachers, assistants }: TeacherOptions,
  { teaching }: Recipe,
): TeacherOptions {
  switch (teaching?.who) {
    case "assistants":
      return { assistants };
    case "teachers":
      return { teachers };
    default:
      return { teachers, assistants };
  }
}

/** UsageError where a loss asks the numbers `asked`, and there are not so many teachers. */
export function checkEnough(
  recipe: Recipe,
  given: TeacherOptions,
  asked: readonly number[],
  stage: string | undefined,
): void {
  const needed = Math.max(0, ...asked.map((number) => number + 1));
  const there = seatsOf(given).length;
  if (needed <= there) return;
  const whose = `the loss "${recipe.loss}" of ${stage ? `stage ${stage}` : `recipe ${recipe.name}`}`;
  const wants = needed === 1 ? "a teacher" : `${counted(needed, "teacher")}, ${there} given`;
  throw new UsageError(
    `${whose} asks ${wants}: name one, such as ${exampleFlags(recipe, there)}, or train from the labels: --set loss=cross-entropy`,
  );
}

/** With the networks of the publication. */
function exampleFlags({ teaching }: Recipe, there: number): string {
  const { assistants = [], teachers = [] } = teaching ?? {};
  const flag = (name: string) => (network: string) => `--${name} ${network.toLowerCase()}.onnx`;
  const published = [...assistants.map(flag("assistant")), ...teachers.map(flag("teacher"))];
  return there || !published.length ? "--teacher FILE" : published.join(" ");
}

/** Where others teach than in the publication. */
export function otherTeachersNote({ name, teaching }: Recipe, given: TeacherOptions): string[] {
  if (!teaching?.teachers.length) return [];
  const { assistants, teachers } = teaching;
  const isAlike =
    (given.assistants ?? []).length === assistants.length &&
    (given.teachers ?? []).length === teachers.length;
  if (isAlike || teaching.who !== "all") return [];
  const list = (role: string, names: readonly string[]) =>
    names.length ? [`${counted(names.length, role)} (${names.join(", ")})`] : [];
  const theirs = [...list("assistant", assistants), ...list("teacher", teachers)].join(" and ");
  return [
    `${name} learns from ${theirs} where its values come from, here from ${counted((given.assistants ?? []).length, "assistant")} and ${counted((given.teachers ?? []).length, "teacher")}`,
  ];
}

/** UsageError for the first given teacher that is not among those that some stage's loss asks. */
export function checkEachTeaches(
  given: TeacherOptions,
  asked: readonly NamedTeacher[],
  losses: readonly string[],
): void {
  const all = namedTeachers(seatsOf(given));
  const idle = all.find(
    ({ role, path }) => !asked.some((one) => one.role === role && one.path === path),
  );
  if (idle) throw notAsked(idle, losses, all.length);
}

export function notAsked(
  { role, path }: NamedTeacher,
  losses: readonly string[],
  given: number,
): UsageError {
  const names = [...new Set(losses)].map((loss) => `"${loss}"`);
  const who =
    names.length > 1
      ? `of the losses ${names.join(", ")} none asks it`
      : `the loss ${names[0]} does not ask it`;
  const other = given > 1 ? "gap-aware" : "distribution";
  return new UsageError(
    `${role} ${path}: ${who}. Name one that does, such as --set loss=${other}, or leave it out`,
  );
}
