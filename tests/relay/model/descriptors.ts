/** The descriptors of the simulated process: the lowest free number, and no forgiveness for one that is not open. */
import type { ByteQueue } from "./bytes.ts";
import type { End } from "./connection.ts";
import type { Epoll, Watch } from "./epoll.ts";

/** What a descriptor stands for. */
export type Open =
  | { readonly kind: "epoll"; readonly epoll: Epoll }
  | { readonly kind: "event" }
  | { readonly kind: "pipe"; readonly pipe: PipeBytes; readonly end: "read" | "write" }
  | Listening
  | {
    readonly kind: "socket";
    end: End | undefined;
    watch: Watch | undefined;
    /** The address in the kernel's form that it was connected to, and whether that turned out to be its own. */
    dialled: { readonly address: Uint8Array<ArrayBuffer>; readonly toItself: boolean } | undefined;
  };

/** A socket that waits for connections. */
export interface Listening {
  readonly kind: "listener";
  readonly backlog: { readonly end: End; readonly port: number }[];
  watch: Watch | undefined;
}

/** A pipe; its capacity can be changed while it is empty. */
export interface PipeBytes {
  bytes: ByteQueue;
}

const first = 3;

/** The table of them. */
export class Descriptors {
  readonly #open: (Open | undefined)[] = [];
  /** What the program did that no program may do. */
  readonly #violated: (what: string) => never;

  constructor(violated: (what: string) => never) {
    this.#violated = violated;
  }

  add(open: Open): number {
    let index = 0;
    while (this.#open[index] !== undefined) index++;
    this.#open[index] = open;
    return first + index;
  }

  replace(number: number, open: Open): void {
    this.#open[number - first] = open;
  }

  get<Kind extends Open["kind"]>(number: number, kind: Kind, call: string): Open & { kind: Kind } {
    const open = this.any(number, call);
    if (open.kind !== kind) this.#violated(`${call}(${number}): a ${open.kind} is no ${kind}`);
    return open as Open & { kind: Kind };
  }

  any(number: number, call: string): Open {
    return this.#open[number - first] ?? this.#violated(`${call}(${number}): not open`);
  }

  remove(number: number): Open {
    const open = this.any(number, "close");
    this.#open[number - first] = undefined;
    return open;
  }

  /** Whether every pipe is empty. */
  get pipesAreEmpty(): boolean {
    return this.#open.every((open) => open?.kind !== "pipe" || open.pipe.bytes.length === 0);
  }

  /** What is open, for a message. */
  list(): string {
    return this.#open.flatMap((open, index) => open === undefined ? [] : [`${first + index}:${open.kind}`])
      .join(" ");
  }
}

/** What becomes of connections that nobody has accepted when their listener is closed. */
export function refuseAll({ backlog }: Pick<Listening, "backlog">): void {
  for (const { end } of backlog) {
    end.setAbortiveClose();
    end.close();
  }
}
