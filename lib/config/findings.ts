import type { Subject } from "./yaml/located.ts";

/** A mistake or a remark about a part of the file, before it has a file name. */
export interface Finding extends Subject {
  readonly message: string;
}

/**
 * Collects what one pass over a file finds, with a bound on memory and work: a nonsense file may hold half a million mistakes.
 * Beyond the first 500 a finding is only counted, and its message, which may compare hundreds of words, is never made.
 */
export class Findings {
  static readonly maxKept = 500;
  readonly #kept: Finding[] = [];
  #more = 0;

  /** Adds a finding; `message` is asked at most once. */
  add({ at, path }: Subject, message: () => string): void {
    if (this.isFull) this.#more += 1;
    else this.#kept.push({ at, path, message: message() });
  }

  /** True when further findings are only counted: nothing needs to be prepared for their messages. */
  get isFull(): boolean {
    return this.#kept.length >= Findings.maxKept;
  }

  /** In the order in which they were found. */
  get kept(): readonly Finding[] {
    return this.#kept;
  }

  /** How many there were besides those kept. */
  get more(): number {
    return this.#more;
  }
}
