import { existsSync } from "node:fs";
import type { TeacherChoice } from "@onebit/train";
import { UsageError } from "onebit";
import { unknownName } from "onebit/words";
import { type OnnxFlags, onnxFlags, onnxSettings } from "../flags/onnx.js";
import { misread } from "../flags/readers.js";

/**
 * A teacher as `--teacher` names it: a path, and of an .onnx file what that does not say itself, in the words
 * of the flags of `eval`: "net.onnx?mean=0.485,0.456,0.406&std=0.229,0.224,0.225&labels=names.txt".
 */
export async function teacherChoice(text: string, flag: string): Promise<TeacherChoice> {
  const at = text.indexOf("?");
  if (at < 0 || existsSync(text)) return { path: text };
  const path = text.slice(0, at);
  const values = text
    .slice(at + 1)
    .split("&")
    .map((setting) => valueIn(setting, flag, text));
  return { path, onnx: await onnxSettings(Object.fromEntries(values) as OnnxFlags) };
}

function valueIn(setting: string, flag: string, text: string): [key: string, value: unknown] {
  const [name, ...rest] = setting.split("=");
  const value = rest.join("=");
  const known = onnxFlags.find((one) => one.name === `--${name}`);
  if (!known) {
    const names = onnxFlags.map((one) => one.name.slice(2));
    throw misread(flag, text, unknownName("setting", name, names));
  }
  if (value === "") throw misread(flag, text, `"${setting}": write ${name}=value`);
  try {
    return [known.key, known.reader!.read(value, name)];
  } catch (error) {
    if (error instanceof UsageError) throw new UsageError(`${flag} ${text}: ${error.message}`);
    throw error;
  }
}
