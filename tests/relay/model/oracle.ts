/** What must hold of every session, said without a look at how the engine does it. */
import { sweepMs } from "../../../lib/relay/limits.ts";
import { type ConnectFailure, lingerMs, type RelayEnd } from "../../../lib/relay/engine.ts";
import { errno } from "../../../lib/relay/linux/libc.ts";
import type { End } from "./connection.ts";
import { type Attempt, Mismatch, type Session, type Waiting } from "./session.ts";

function must(holds: boolean, session: Session, what: string): void {
  if (!holds) throw new Mismatch(`session ${session.number}: ${what}`);
}

/** The ways of a relay: from an end of the engine's to the other. */
function ways(session: Session): readonly (readonly [from: End, to: End])[] {
  const [client, target] = [session.engineClient, session.attempt!.end];
  return [[client, target], [target, client]];
}

/** What the engine has read and not handed on. */
function heldBytes(from: End, to: End): number {
  return (from.readBytes - from.skippedBytes) - (to.writtenBytes - to.prefixBytes);
}

/** After every poll: no session holds more than one buffer or one pipe for each direction. */
export function checkMemory(session: Session, maxBytes: number): void {
  if (session.phase !== "relaying") return;
  for (const [from, to] of ways(session)) {
    if (!to.dead) must(heldBytes(from, to) <= maxBytes, session, `${heldBytes(from, to)} bytes are held`);
  }
}

/** After a poll that has set nothing off: no promise may be on the move. */
export function checkStill(session: Session): void {
  const { phase, attempt, engineClient } = session;
  const waits = phase === "relaying" ? engineClient : phase === "connecting" ? attempt?.end : undefined;
  must(waits === undefined || !waits.closed, session, "something has ended, and nobody is called");
}

/** Where the engine would sleep: nothing is left that it could do. */
export function checkAsleep(session: Session, now: number): void {
  checkGone(session);
  if (session.waiting !== undefined) checkWaiting(session, session.waiting, now);
  if (session.phase === "connecting") checkConnecting(session, now);
  if (session.phase !== "relaying") return;
  for (const [from, to] of ways(session)) {
    const holds = heldBytes(from, to) > 0 && !to.errorTaken && !(to.dead && to.error === 0);
    if (holds) must(!to.writable, session, "asleep with bytes for a peer that takes them");
    else must(!from.readable, session, "asleep with bytes, an end or a reset to read");
  }
  checkTimely(session, now);
}

/** Before the relay: what is waited for must not be there already. */
function checkWaiting(
  session: Session,
  { kind, end, bytes, startedAt, timeoutMs }: Waiting,
  now: number,
): void {
  if (end.closed) return;
  must(!end.dead, session, `asleep in a ${kind} on a connection that is gone`);
  must(now - startedAt < timeoutMs, session, `asleep in a ${kind} that has timed out`);
  if (kind === "write") return must(!end.writable, session, "asleep in a write to a peer that takes it");
  must(end.peekableBytes < bytes, session, "asleep in a peek whose bytes have come");
  must(!end.finReceived, session, "asleep in a peek behind which the end has come");
}

/** Who wants to know learns that a client is gone, once, and of nothing else. */
function checkGone({ goneCalls, engineClient, ...rest }: Session): void {
  if (goneCalls === undefined || engineClient.closed) return;
  const session = { goneCalls, engineClient, ...rest };
  must(
    goneCalls === (engineClient.wasReset ? 1 : 0),
    session,
    `${goneCalls} calls for a client that is gone`,
  );
}

function checkConnecting(session: Session, now: number): void {
  must(now - session.connectStartedAt < session.connectMs, session, "asleep in an attempt beyond its time");
  const { attempt, engineClient } = session;
  if (attempt === undefined || attempt.end.closed) return;
  must(attempt.end.state === "connecting", session, "asleep with an attempt that has been answered");
  must(!engineClient.wasReset, session, "asleep in an attempt whose client has reset");
}

function checkTimely(session: Session, now: number): void {
  const { limits, relayedAt } = session;
  const grace = sweepMs(limits);
  must(now - relayedAt < limits.lifetimeMs + grace, session, "alive beyond its lifetime");
  let lastAt = relayedAt;
  let finishedAt = Infinity;
  for (const [from, to] of ways(session)) {
    lastAt = Math.max(lastAt, from.lastReadAt, from.lastWrittenAt);
    // A side has finished once its end can be passed on: until then the other has something to take.
    if (heldBytes(from, to) === 0) {
      finishedAt = Math.min(finishedAt, Math.max(from.endReadAt, to.lastWrittenAt));
    }
    const waitedMs = now - Math.max(to.lastWrittenAt, from.lastReadAt, relayedAt);
    if (heldBytes(from, to) > 0 && !to.dead) {
      must(waitedMs < limits.stallMs + grace, session, "alive beyond its stall limit");
    }
  }
  must(now - lastAt < limits.idleMs + grace, session, "alive beyond its idle limit");
  const halfClosedMs = now - Math.max(lastAt, finishedAt);
  must(halfClosedMs < limits.halfClosedMs + grace, session, "alive beyond its half-closed limit");
}

/** When a call to connect has failed: why it may. */
export function checkFailure(session: Session, failure: ConnectFailure, exhausted: boolean): void {
  const { engineClient, tried, addresses } = session;
  if (failure === "client_gone") {
    return must(engineClient.wasReset || engineClient.closed, session, "the client is not gone");
  }
  // An attempt for which no socket was to be had leaves no trace.
  if (exhausted && failure === "resource") return;
  must(
    exhausted || tried.length === addresses,
    session,
    `${tried.length} of ${addresses} addresses were tried`,
  );
  const possible = tried.map((attempt) => possibleFailures(session, attempt));
  must(possible.some((kinds) => kinds.includes(failure)), session, `${failure} without a cause`);
  for (const kinds of possible) {
    must(kinds.some((kind) => rank(kind) >= rank(failure)), session, `${failure} though ${kinds} says more`);
  }
}

/** How much a failure says: a call reports the one that says most. */
function rank(failure: ConnectFailure): number {
  return ["resource", "refused", "timeout", "unreachable"].indexOf(failure);
}

/** Why the attempt at one of the addresses may have failed. */
function possibleFailures(session: Session, attempt: Attempt): ConnectFailure[] {
  const { answer, end, index, startedAt, target } = attempt;
  must(end.closed, session, "a failed attempt is left open");
  const kinds: ConnectFailure[] = [];
  const leftMs = Math.max(0, session.connectStartedAt + session.connectMs - startedAt);
  const shareMs = leftMs / (session.addresses - index);
  if (answer.when !== "now" && end.closedAt - startedAt >= shareMs - 0.001) kinds.push("timeout");
  if (target?.sentReset === true) kinds.push("refused", "unreachable");
  if (answer.when !== "never" && answer.toItself) kinds.push("refused");
  const kind = meaning.get(answer.error);
  if (answer.when !== "never" && kind !== undefined) kinds.push(kind);
  return kinds;
}

const meaning: ReadonlyMap<number, ConnectFailure> = new Map([
  [errno.ECONNREFUSED, "refused"],
  [errno.ETIMEDOUT, "timeout"],
  [errno.EHOSTUNREACH, "unreachable"],
  [errno.ENETUNREACH, "unreachable"],
  [errno.EADDRNOTAVAIL, "resource"],
]);

/** When a relay has said how it ended. */
export function checkEnd(session: Session, end: RelayEnd | "cut"): void {
  const { engineClient: client, relay } = session;
  const target = session.attempt!.end;
  must(client.closed && target.closed, session, "ended with an open socket");
  must(relay!.receivedBytes === client.readBytes - client.skippedBytes, session, "receivedBytes is wrong");
  must(relay!.sentBytes === client.writtenBytes - client.prefixBytes, session, "sentBytes is wrong");
  must((relay!.firstByteAt !== undefined) === (target.readBytes > 0), session, "firstByteAt is wrong");
  must(session.firstByteCalls === (target.readBytes > 0 ? 1 : 0), session, "the first byte is told wrongly");
  checkLastByte(session, client, target);
  must(!session.cut || end === "cut", session, `${end} after a cut`);
  must(mayEnd[end](session, client, target), session, `must not end as ${end}`);
}

/** A byte moves when it is read, and when one that had to wait is taken. */
function checkLastByte({ relay, relayedAt, ...rest }: Session, client: End, target: End): void {
  const session = { relay, relayedAt, ...rest };
  const readAt = Math.max(relayedAt, client.lastReadAt, target.lastReadAt);
  const movedAt = Math.max(readAt, client.lastWrittenAt, target.lastWrittenAt);
  const { lastByteAt } = relay!;
  must(lastByteAt >= readAt && lastByteAt <= movedAt, session, `lastByteAt is ${lastByteAt}, not ${movedAt}`);
}

/** The conditions without which no relay ends in a way. */
const mayEnd: {
  readonly [end in RelayEnd | "cut"]: (session: Session, client: End, target: End) => boolean;
} = {
  cut: (session) => session.cut,
  done(_, client, target) {
    // A target that finished and then cut has only said that it takes no more.
    const uploaded = target.wasReset || (client.endRead && heldBytes(client, target) === 0);
    const answered = heldBytes(target, client) === 0;
    // A reset that comes while the engine looks at its clock is one that comes too late.
    const left = client.wasReset && client.goneReported && !client.finReceived;
    return target.finReceived && target.endRead && !left && uploaded && answered;
  },
  client_reset: (_, client, target) => client.wasReset && wasPassedOn(client, target),
  server_reset: (_, client, target) => target.wasReset && wasPassedOn(target, client),
  lifetime: ({ limits, relayedAt }, client) => client.closedAt - relayedAt >= limits.lifetimeMs,
  idle({ limits, relayedAt }, client, target) {
    const lastAt = Math.max(relayedAt, client.lastReadAt, target.lastReadAt);
    return client.closedAt - lastAt >= limits.idleMs;
  },
  half_closed({ limits }, client, target) {
    const at = client.closedAt;
    const quiet = at - Math.max(client.lastReadAt, target.lastReadAt) >= limits.halfClosedMs;
    return at - Math.min(client.endReadAt, target.endReadAt) >= limits.halfClosedMs &&
      (quiet || target.wasReset);
  },
  stalled(session, client) {
    return ways(session).some(([from, to]) =>
      heldBytes(from, to) > 0 && client.closedAt - to.lastWrittenAt >= session.limits.stallMs
    );
  },
};

/** What came before a reset is on its way to the other side, and an RST takes it back only after a while. */
function wasPassedOn(from: End, to: End): boolean {
  if (to.wasReset) return true;
  if (heldBytes(from, to) !== 0) return false;
  return to.unsentAtClose === 0 || to.closedAt - from.resetReceivedAt >= lingerMs;
}

/** When all is over and the peers have read what there is. */
export function checkPeers(session: Session): void {
  const { client, target, end, engineClient } = session;
  must(engineClient.closed, session, "the client's socket is left open");
  must(session.settled <= 1, session, "ended more than once");
  must((session.relay === undefined) === (end === undefined), session, "never ended");
  for (const [peer, other] of [[client, target], [target, client]] as const) {
    if (peer === undefined) continue;
    must(peer.closed || peer.finReceived || peer.dead, session, "a peer has seen no end");
    if (!peer.finReceived) continue;
    if (peer === target && session.relay === undefined) {
      // An attempt that nobody waited for any more: not a byte went there.
      must(peer.other!.writtenBytes === 0, session, "bytes for a target that was given up");
      continue;
    }
    // A FIN says that everything has come.
    must(other !== undefined && other.finDelivered, session, "a FIN that nobody sent");
    const { prefixBytes, writtenBytes } = peer.other!;
    const due = prefixBytes + other!.writtenBytes - other!.other!.skippedBytes;
    must(writtenBytes === due, session, "a FIN before everything was sent");
    const whole = peer.closed || peer.readBytes === due;
    must(whole, session, `a FIN after ${peer.readBytes} of ${due} bytes`);
  }
  if (end !== "done" || target === undefined) return;
  const polite = !client.sentReset && !target.sentReset;
  if (polite) must(client.finReceived && target.finReceived, session, "done without a FIN for both");
}
