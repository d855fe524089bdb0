import type { Subject } from "./yaml/located.ts";
import type { Position, Step } from "./yaml/position.ts";

/** A mistake or a remark about a part of the file, before it has a file name. */
export interface Finding extends Subject {
  readonly message: string;
}

const MAX_KEPT = 250;
const MAX_EXAMINED = 1000;

/**
 * Collects what one pass over a file finds, with a bound on memory and work: a nonsense file may hold half a million mistakes.
 * Once 250 are kept, or 1,000 messages were made, a finding is only counted: a message may need a comparison with hundreds of words.
 * What an alias repeats under another path is one finding.
 */
export class Findings {
  readonly #kept: Finding[] = [];
  /** The last steps of the paths at each position: what an alias repeats has both in common. */
  readonly #steps = new Map<Position, (Step | undefined)[]>();
  #examined = 0;
  #more = 0;

  /** Adds a finding; `message` is called at most once. */
  add({ at, path }: Subject, message: () => string): void {
    const repeated = this.#note(at, path?.step);
    if (this.isFull) {
      if (!repeated) this.#more += 1;
      return;
    }
    this.#examined += 1;
    const finding = { at, path, message: message() };
    const same = (other: Finding) => other.at === at && other.message === finding.message;
    if (!repeated || !this.#kept.some(same)) this.#kept.push(finding);
  }

  /** True when further findings are only counted: nothing needs to be prepared for their messages. */
  get isFull(): boolean {
    return this.#kept.length >= MAX_KEPT || this.#examined >= MAX_EXAMINED;
  }

  /** In the order in which they were found. */
  get kept(): readonly Finding[] {
    return this.#kept;
  }

  /** How many there were besides those kept. */
  get more(): number {
    return this.#more;
  }

  /** Notes where a finding is; returns whether one was there before. */
  #note(at: Position, step: Step | undefined): boolean {
    const steps = this.#steps.get(at);
    if (steps === undefined) this.#steps.set(at, [step]);
    else if (steps.includes(step)) return true;
    else steps.push(step);
    return false;
  }
}
