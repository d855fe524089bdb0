/** One session of a schedule: the peers' ends, the engine's ends, and what the engine has said. */
import type { ConnectFailure, Relay, RelayEnd, RelayLimits, Socket } from "../../../lib/relay/engine.ts";
import { byteAt } from "./bytes.ts";
import type { End } from "./connection.ts";

/** The two peers of the engine. */
export type Side = "client" | "target";

/** How an attempt to connect is answered: at once, later by a step, or never. */
export interface Answer {
  readonly when: "now" | "later" | "never";
  /** 0 = it stands. */
  readonly error: number;
  /** It stands, but leads from the socket to itself. */
  readonly toItself: boolean;
}

/** An attempt of the engine's to connect. */
export interface Attempt {
  readonly end: End;
  readonly answer: Answer;
  readonly startedAt: number;
}

/** What one client goes through, and what was seen of it. */
export interface Session {
  readonly number: number;
  readonly limits: RelayLimits;
  readonly connectMs: number;
  /** The peer's end and the engine's end of the client's connection. */
  readonly client: End;
  readonly engineClient: End;
  phase: "dialled" | "connecting" | "relaying" | "over";
  socket: Socket | undefined;
  attempts: number;
  /** The attempt under way, or the last one. */
  attempt: Attempt | undefined;
  target: End | undefined;
  /** Set where no target was reached. */
  failure: ConnectFailure | undefined;
  relay: Relay | undefined;
  relayedAt: number;
  end: RelayEnd | "cut" | undefined;
  settled: number;
  /** Somebody cut it while its sockets were open. */
  cut: boolean;
}

const scratch = new Uint8Array(1_024);

/** Thrown where the engine and the model differ. */
export class Mismatch extends Error {}

/** Has a peer send the next of what it has to say; returns how much was taken. */
export function say(session: Session, side: Side, size: number): number {
  const end = session[side];
  if (end === undefined || end.closed || end.finSent || end.dead) return 0;
  const who = whoOf(session, side);
  for (let index = 0; index < size; index++) scratch[index] = byteAt(who, end.writtenBytes + index);
  return Math.max(0, end.write(scratch, size));
}

/** Has a peer read at most so much and compares it; returns how much came. */
export function hear(session: Session, side: Side, size: number): number {
  const end = session[side];
  if (end === undefined || end.closed) return 0;
  const at = end.readBytes;
  const came = end.read(scratch, Math.min(size, scratch.length));
  const who = whoOf(session, side === "client" ? "target" : "client");
  for (let index = 0; index < came; index++) {
    if (scratch[index] !== byteAt(who, at + index)) {
      throw new Mismatch(`session ${session.number}: byte ${at + index} at the ${side} is another`);
    }
  }
  return Math.max(0, came);
}

function whoOf(session: Session, side: Side): number {
  return session.number * 2 + (side === "client" ? 0 : 1);
}
