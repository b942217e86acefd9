/// <reference lib="esnext.disposable" preserve="true" />

import { OnebitError } from "../../errors.js";
import type { Model, ModelInfo, ModelInputs, ModelOutputs, RunOptions } from "../model.js";
import { modelInfo } from "../model-info.js";
import { explained } from "../refused.js";
import { checkRunOptions, inputTensor } from "../run-arguments.js";
import type { RunImages } from "../run-images.js";
import { sendable } from "./images.js";
import type { Calls, RemoteFacts, RemoteState } from "./messages.js";
import type { ModelWorkerClient } from "./model-worker-client.js";

/** A model that runs in a worker. */
export class RemoteModel implements Model {
  readonly info: ModelInfo;
  readonly inputs: Model["inputs"];
  readonly outputs: Model["outputs"];
  readonly program: Model["program"];
  readonly backend: string;
  readonly backendReasons: Model["backendReasons"];
  readonly workerReason = undefined;
  readonly #client: ModelWorkerClient;
  readonly #model: number;
  readonly #pending = new Set<Promise<unknown>>();
  #state: RemoteState;
  #disposed = false;

  constructor(client: ModelWorkerClient, facts: RemoteFacts, state: RemoteState) {
    const { card, backends, maps, program } = facts;
    this.#client = client.join();
    this.#model = facts.model;
    this.#state = state;
    this.program = program;
    this.inputs = facts.inputs;
    this.outputs = facts.outputs;
    this.backend = facts.backend;
    this.backendReasons = facts.backendReasons;
    this.info = modelInfo({ card, backends, maps }, program);
  }

  run<Name extends string = string>(
    inputs: ModelInputs,
    options: RunOptions<Name> = {},
  ): Promise<ModelOutputs<Name>> {
    return explained(this.#run(inputs, options));
  }

  async #run<Name extends string>(
    inputs: ModelInputs,
    options: RunOptions<Name>,
  ): Promise<ModelOutputs<Name>> {
    checkRunOptions(options, Object.keys(this.outputs));
    const [[name, info]] = Object.entries(this.inputs);
    const tensor = inputTensor(inputs, name, info);
    const args: Parameters<Calls["run"]> = [this.#model, tensor, options.outputs];
    return this.#underWay(() => this.#call("run", args)) as Promise<ModelOutputs<Name>>;
  }

  readonly runImages: RunImages = async (images, how, outputs) => {
    const { single } = images;
    return this.#underWay(async () => {
      const { list, transfer } = await sendable(images);
      return this.#call("runImages", [this.#model, { list, single }, how, outputs], transfer);
    });
  };

  profile() {
    return this.#disposed ? undefined : this.#state.profile;
  }

  async ready(): Promise<void> {
    await this.#underWay(() => this.#call("ready", [this.#model]));
  }

  get threads(): number {
    return this.#disposed ? 0 : this.#state.threads;
  }

  get threadsReason(): string | undefined {
    return this.#disposed ? DISPOSED : this.#state.threadsReason;
  }

  get arenaBytes(): number | undefined {
    return this.#disposed ? undefined : this.#state.arenaBytes;
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#end().catch(() => {});
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** Once the calls under way are done. */
  async #end(): Promise<void> {
    await Promise.allSettled(this.#pending);
    await this.#client.call("dispose", [this.#model]).catch(() => {});
    this.#client.leave();
  }

  async #call<Name extends keyof Calls>(
    name: Name,
    args: Parameters<Calls[Name]>,
    transfer?: Transferable[],
  ): Promise<ReturnType<Calls[Name]>> {
    const { value, state } = await this.#client.call(name, args, transfer);
    this.#state = state;
    return value;
  }

  /** Work that dispose() waits for. */
  async #underWay<T>(work: () => Promise<T>): Promise<T> {
    if (this.#disposed) throw new OnebitError(DISPOSED);
    const working = work();
    this.#pending.add(working);
    return working.finally(() => this.#pending.delete(working));
  }
}

const DISPOSED = "this model has been disposed; load it again";
