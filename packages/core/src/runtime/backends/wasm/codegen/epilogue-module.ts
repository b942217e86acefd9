import { epilogueName } from "../runner.js";
import { assembleModule } from "./assembler.js";
import { EPILOGUE_PARAMETERS, epilogueBody } from "./epilogue-code.js";
import type { EpilogueShape } from "./epilogue-shape.js";

/** The generated epilogues of a program. */
export function compileEpilogues(
  shapes: readonly EpilogueShape[],
  shared: boolean,
): Promise<WebAssembly.Module> {
  const functions = shapes.map((shape, i) => {
    return { name: epilogueName(i), parameters: EPILOGUE_PARAMETERS, body: epilogueBody(shape) };
  });
  return WebAssembly.compile(assembleModule(functions, shared) as BufferSource);
}
