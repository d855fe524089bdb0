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

/** What a session does with its sockets before the relay; 0 = nothing of the kind. */
export interface Preface {
  /** Has the engine say when the client is gone. */
  readonly watches: boolean;
  /** So many bytes of the client's are waited for. */
  readonly peekBytes: number;
  /** Takes out some of them. */
  readonly skips: boolean;
  /** Written to the client, and to the target. */
  readonly greetingBytes: number;
  readonly headerBytes: number;
  readonly timeoutMs: number;
}

/** What the engine is asked to wait for before the relay. */
export interface Waiting {
  readonly kind: "peek" | "write";
  /** The engine's end that it is about. */
  readonly end: End;
  /** How many bytes a peek wants. */
  readonly bytes: number;
  readonly startedAt: number;
  readonly timeoutMs: number;
}

/** An attempt of the engine's to connect to one address. */
export interface Attempt {
  readonly end: End;
  /** Which of the addresses it is. */
  readonly index: number;
  /** The peer that it has reached. */
  target: End | undefined;
  readonly answer: Answer;
  readonly startedAt: number;
}

/** What one client goes through, and what was seen of it. */
export interface Session {
  readonly number: number;
  readonly limits: RelayLimits;
  readonly connectMs: number;
  /** Under how many addresses its target is known. */
  readonly addresses: number;
  readonly preface: Preface;
  /** The peer's end and the engine's end of the client's connection. */
  readonly client: End;
  readonly engineClient: End;
  phase: "dialled" | "preface" | "connecting" | "relaying" | "over";
  waiting: Waiting | undefined;
  /** How often the engine has said that the client is gone; undefined while nobody wants to know. */
  goneCalls: number | undefined;
  socket: Socket | undefined;
  attempts: number;
  /** When the call to connect under way has begun, and its attempts so far. */
  connectStartedAt: number;
  tried: readonly Attempt[];
  /** The attempt under way, or the last one. */
  attempt: Attempt | undefined;
  target: End | undefined;
  /** Set where no target was reached. */
  failure: ConnectFailure | undefined;
  relay: Relay | undefined;
  relayedAt: number;
  /** How often the engine has told of the target's first byte. */
  firstByteCalls: number;
  end: RelayEnd | "cut" | undefined;
  settled: number;
  /** Somebody cut it while its sockets were open. */
  cut: boolean;
}

const scratch = new Uint8Array(1_024);

/** Thrown where the engine and the model differ. */
export class Mismatch extends Error {}

/** Has a peer send the next of its bytes; returns how much was taken. */
export function sendSome(session: Session, side: Side, size: number): number {
  const end = session[side];
  if (end === undefined || end.closed || end.finSent || end.dead) return 0;
  const who = whoOf(session, side);
  for (let index = 0; index < size; index++) scratch[index] = byteAt(who, end.writtenBytes + index);
  return Math.max(0, end.write(scratch, size));
}

/** Has a peer read at most so much and compares it; returns how much came. */
export function receiveSome(session: Session, side: Side, size: number): number {
  const end = session[side];
  if (end === undefined || end.closed) return 0;
  const at = end.readBytes;
  const came = end.read(scratch, Math.min(size, scratch.length));
  for (let index = 0; index < came; index++) {
    if (scratch[index] !== expectedByte(session, side, at + index)) {
      throw new Mismatch(`session ${session.number}: byte ${at + index} at the ${side} is another`);
    }
  }
  return Math.max(0, came);
}

/** What a peer reads at an offset: first what the session itself has written, then what the other peer says. */
function expectedByte(session: Session, side: Side, at: number): number {
  const engineEnd = side === "client" ? session.engineClient : session.attempt!.end;
  const { prefixBytes } = engineEnd;
  if (at < prefixBytes) return prefixByte(side, at);
  if (side === "client") return byteAt(whoOf(session, "target"), at - prefixBytes);
  return byteAt(whoOf(session, "client"), at - prefixBytes + session.engineClient.skippedBytes);
}

/** What a session writes to a peer before its relay. */
export function prefixByte(side: Side, at: number): number {
  return byteAt(side === "client" ? 1_000 : 1_001, at);
}

/** What a client says at an offset. */
export function clientByte(session: Session, at: number): number {
  return byteAt(whoOf(session, "client"), at);
}

function whoOf(session: Session, side: Side): number {
  return session.number * 2 + (side === "client" ? 0 : 1);
}
