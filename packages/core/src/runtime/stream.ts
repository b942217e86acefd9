import { describe } from "../describe.js";
import { OnebitError, UsageError } from "../errors.js";
import { hasFrame, type VideoLike } from "../platform/picture.js";
import type { SignalLike } from "../platform/web-types.js";
import { checkOptions, type OptionChecks } from "./check-options.js";
import { isSignal } from "./load-options.js";
import { checkTop } from "./top.js";

/** How stream() goes through a video. */
export interface StreamOptions {
  /** Frames a second at most. Default: as many as are shown and can be classified. */
  readonly fps?: number;
  /** Ends it: the loop throws the signal's reason. */
  readonly signal?: SignalLike;
  /** As of classify(). */
  readonly top?: number;
}

/** What is used of a <video>. */
export interface VideoElementLike extends VideoLike {
  readonly ended: boolean;
  readonly error: { readonly code: number; readonly message: string } | null;
  readonly currentTime: number;
  readonly srcObject: object | null;
}

const OPTIONS: OptionChecks<StreamOptions> = {
  fps: (fps) => (typeof fps === "number" && fps > 0) || "frames a second, above 0",
  signal: isSignal,
  top: checkTop,
};

/** The video, each time that it shows a new frame and the caller asks for one, `fps` times a second at most. */
export async function* framesOf(
  video: VideoElementLike,
  options: StreamOptions,
): AsyncGenerator<VideoElementLike, void, void> {
  checkOptions("stream", options, OPTIONS);
  if (typeof video !== "object" || video === null || !("videoWidth" in video)) {
    throw new UsageError(`stream: ${describe(video)}: a <video> is wanted`);
  }
  const { fps = Number.POSITIVE_INFINITY, signal } = options;
  const interval = 1000 / fps;
  const element = video as HTMLVideoElement;
  const camera = new Camera(element);
  let due = performance.now();
  try {
    while (await nextFrame(element, camera, due, signal)) {
      // A frame that is a little late does not delay the next.
      due = Math.max(due + interval, performance.now());
      yield video;
    }
  } finally {
    camera.release();
  }
}

/** The camera that a video shows, if it does. */
class Camera {
  readonly #video: HTMLVideoElement;
  #stream: MediaProvider | null = null;
  #tracks: readonly MediaStreamTrack[] = [];
  /** Set where it stopped by itself: only that is told by an event. */
  failed = false;

  constructor(video: HTMLVideoElement) {
    this.#video = video;
    this.look();
  }

  /** A page may change cameras, or start one later; one that it takes away has ended if it was stopped. */
  look(): void {
    const { srcObject } = this.#video;
    if (!(srcObject instanceof MediaStream) || srcObject === this.#stream) return;
    this.release();
    this.failed = false;
    this.#stream = srcObject;
    this.#tracks = srcObject.getVideoTracks();
    for (const track of this.#tracks) track.addEventListener("ended", this.#fail);
  }

  /** Whether the page has stopped it. */
  get ended(): boolean {
    const all = this.#tracks;
    return all.length > 0 && all.every(({ readyState }) => readyState === "ended");
  }

  release(): void {
    for (const track of this.#tracks) track.removeEventListener("ended", this.#fail);
  }

  readonly #fail = () => {
    this.failed = true;
  };
}

/** How often to look whether the camera still runs. */
const LOOK_MS = 200;

/** Whether a new frame is shown; false where none will be. `due`: not before that time. */
function nextFrame(
  video: HTMLVideoElement,
  camera: Camera,
  due: number,
  signal: SignalLike | undefined,
): Promise<boolean> {
  const leave: (() => void)[] = [];
  return new Promise<boolean>((resolve, reject) => {
    const look = () => {
      camera.look();
      if (signal?.aborted) reject(signal.reason);
      else if (video.error) reject(broken(video.error));
      else if (camera.failed) reject(new OnebitError(STOPPED));
      else if (video.ended || camera.ended) resolve(false);
    };
    signal?.addEventListener("abort", look);
    const timer = setInterval(look, LOOK_MS);
    leave.push(
      () => signal?.removeEventListener("abort", look),
      () => clearInterval(timer),
      onFrame(video, () => hasFrame(video) && performance.now() >= due && resolve(true)),
    );
    look();
  }).finally(() => {
    for (const stop of leave) stop();
  });
}

const STOPPED =
  "video: its camera has stopped: was it unplugged, or its permission withdrawn? Ask for it again (getUserMedia)";

function broken({ code, message }: MediaError): OnebitError {
  return new OnebitError(`video: cannot be played: ${message || `media error ${code}`}`);
}

/** Calls `shown` with every new frame, until what it returns is called. */
function onFrame(video: HTMLVideoElement, shown: () => void): () => void {
  // Firefox has it since version 132.
  if (!("requestVideoFrameCallback" in video)) return onTick(video, shown);
  let id = video.requestVideoFrameCallback(function again() {
    id = video.requestVideoFrameCallback(again);
    shown();
  });
  return () => video.cancelVideoFrameCallback(id);
}

function onTick(video: HTMLVideoElement, shown: () => void): () => void {
  let before = video.currentTime;
  let id = requestAnimationFrame(function again() {
    id = requestAnimationFrame(again);
    if (video.currentTime === before) return;
    before = video.currentTime;
    shown();
  });
  return () => cancelAnimationFrame(id);
}
