/** What a schedule is like: how rough its peers, its network and its kernel are. */
import type { RelayLimits } from "../../../lib/relay/engine.ts";
import { errno } from "../../../lib/relay/linux/libc.ts";
import type { Dice } from "./dice.ts";
import type { Faults } from "./faults.ts";
import type { Answer, Preface } from "./session.ts";

/** The traits of one schedule. */
export interface Character {
  /** Nobody resets, closes early, cuts or waits: every session must end as done. */
  readonly polite: boolean;
  /** Many clients come and go, so that one poll sees some of them end and others begin. */
  readonly crowded: boolean;
  readonly heldWires: boolean;
  /** Peers send urgent data now and then. */
  readonly urgent: boolean;
  readonly faults: Faults;
  readonly steps: number;
  readonly sessions: number;
  /** How many of a thousand steps are polls of the reactor: where they are few, a poll finds many events. */
  readonly polls: number;
  /** At the end nobody says or reads anything until the limits have passed. */
  readonly silentEnd: boolean;
}

/** Draws one. */
export function characterOf(dice: Dice): Character {
  const polite = dice.chance(250);
  const faulty = dice.chance(300);
  const crowded = !polite && dice.chance(80);
  return {
    polite,
    heldWires: dice.chance(300),
    urgent: dice.chance(200),
    faults: {
      interrupted: faulty ? 60 : 0,
      exhausted: faulty ? 100 : 0,
      aborted: faulty ? 20 : 0,
      meanwhile: dice.chance(500) ? 100 : 0,
    },
    steps: dice.between(10, 40),
    crowded,
    sessions: crowded ? 8 : dice.chance(600) ? 1 : dice.between(2, 4),
    polls: crowded ? 150 : dice.of([150, 400, 600]),
    silentEnd: !polite && dice.chance(150),
  };
}

/** Limits of a session. */
export function limitsFor(dice: Dice, { polite }: Character): RelayLimits {
  const limit = (perMille: number) => !polite && dice.chance(perMille) ? dice.between(50, 5_000) : Infinity;
  return {
    idleMs: limit(250),
    halfClosedMs: limit(250),
    stallMs: limit(250),
    lifetimeMs: limit(100),
    keepAliveMs: Infinity,
  };
}

/** What a session does before its relay. */
export function prefaceFor(dice: Dice): Preface {
  const some = (perMille: number, most: number) => dice.chance(perMille) ? dice.between(1, most) : 0;
  return {
    watches: dice.chance(300),
    peekBytes: some(250, 30),
    skips: dice.chance(500),
    greetingBytes: some(150, 60),
    headerBytes: some(150, 60),
    timeoutMs: dice.chance(500) ? Infinity : dice.between(50, 3_000),
  };
}

const stands: Answer = { when: "later", error: 0, toItself: false };

/** How the next attempt to connect is answered. */
export function answerFor(dice: Dice, { polite }: Character): Answer {
  if (polite || dice.chance(800)) return dice.chance(100) ? { ...stands, when: "now" } : stands;
  return {
    ...stands,
    ...dice.of<Partial<Answer>>([
      { error: errno.ECONNREFUSED },
      { error: errno.EHOSTUNREACH },
      { error: errno.ETIMEDOUT },
      { when: "now", error: errno.ENETUNREACH },
      { when: "now", error: errno.EADDRNOTAVAIL },
      { when: "never" },
      { toItself: true },
      { when: "now", toItself: true },
    ]),
  };
}
