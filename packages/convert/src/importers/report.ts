import type { Form, Switches } from "onebit/models";
import type { CheckpointFormat } from "../readers/checkpoint.js";
import type { DType } from "../readers/dtype.js";
import type { ImportableFamily } from "./families.js";
import type { InputSize } from "./preprocess.js";
import type { TemperatureReport } from "./temperature.js";

/**
 * used: a weight or a statistic of the network. dead: the official module stores it and never runs
 * it. counter: batches seen. mirror: a temperature.
 */
export type Fate = "used" | "dead" | "counter" | "mirror";

export interface TensorReport {
  /** As in the file, without the prefix. */
  readonly key: string;
  readonly fate: Fate;
  readonly shape: readonly number[];
  readonly dtype: DType;
}

/** What was recognised, what became of every tensor, and what had to be assumed. */
export interface ImportReport {
  readonly format: CheckpointFormat;
  /** SHA-256 of the whole file. */
  readonly sha256: string;
  /** Dicts around the tensors: ["state_dict"], or none. */
  readonly wrapper: readonly string[];
  /** What stood before every key: "module.", or nothing. */
  readonly prefix: string;
  readonly family: ImportableFamily;
  /** Name in the catalogue. */
  readonly arch: string;
  /** What differs from that entry. */
  readonly switches: Switches;
  readonly classes: number;
  readonly input: InputSize;
  /** Of the stem and of every block; for ResNet-like networks, of the stages. */
  readonly widths: readonly number[];
  readonly form: Form;
  /** Whether weights are 1-bit now; without it the network is a float model. */
  readonly binary: boolean;
  /** BNext only. */
  readonly temperature?: TemperatureReport;
  readonly tensors: readonly TensorReport[];
  /** Keys of the dead tensors. */
  readonly ignored: readonly string[];
  /** Tensors outside of the network, such as an optimiser's. */
  readonly outside: number;
  /** Assumptions, and what is not as usual; one sentence each. */
  readonly notes: readonly string[];
}
