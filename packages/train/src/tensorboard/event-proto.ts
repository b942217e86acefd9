import { ProtobufWriter } from "onebit/onnx";

/** Scalars by tag. */
export type TaggedScalars = { readonly [tag: string]: number };

/**
 * TensorFlow's protobuf message Event (event.proto, summary.proto):
 *
 *   Event    double wall_time = 1, int64 step = 2, string file_version = 3, Summary summary = 5
 *   Summary  repeated Value value = 1
 *   Value    string tag = 1, float simple_value = 2
 *
 * time: seconds since 1970.
 */
export function scalarsEvent(time: number, step: number, scalars: TaggedScalars): Uint8Array {
  const summary = new ProtobufWriter();
  for (const [tag, value] of Object.entries(scalars)) {
    summary.message(1, new ProtobufWriter().string(1, tag).float(2, value));
  }
  return new ProtobufWriter().double(1, time).varint(2, step).message(5, summary).finish();
}

/** What every event file begins with. */
export function versionEvent(time: number): Uint8Array {
  return new ProtobufWriter().double(1, time).string(3, "brain.Event:2").finish();
}

/** Of an event that was written here: behind its time. 0 for one without. */
export function stepOf(event: Uint8Array): number {
  const [DOUBLE, STEP] = [8 * 1 + 1, 8 * 2 + 0];
  if (event[0] !== DOUBLE || event[9] !== STEP) return 0;
  let step = 0;
  for (let i = 10, factor = 1; i < event.length; i++, factor *= 128) {
    step += (event[i] & 127) * factor;
    if (event[i] < 128) break;
  }
  return step;
}
