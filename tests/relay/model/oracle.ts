/** What must hold of every session, said without a look at how the engine does it. */
import { sweepMs } from "../../../lib/relay/deadlines.ts";
import { type ConnectFailure, lingerMs, type RelayEnd } from "../../../lib/relay/engine.ts";
import { errno } from "../../../lib/relay/linux/libc.ts";
import type { End } from "./connection.ts";
import { Mismatch, type Session } from "./session.ts";

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
  return from.readBytes - to.writtenBytes;
}

/** After every turn: no session holds more than one buffer or one pipe for each direction. */
export function checkMemory(session: Session, mostBytes: number): void {
  if (session.phase !== "relaying") return;
  for (const [from, to] of ways(session)) {
    if (!to.dead) must(heldBytes(from, to) <= mostBytes, session, `${heldBytes(from, to)} bytes are held`);
  }
}

/** After a turn that calls nobody: no promise may be on the move. */
export function checkStill(session: Session): void {
  const { phase, attempt, engineClient } = session;
  const waits = phase === "relaying" ? engineClient : phase === "connecting" ? attempt?.end : undefined;
  must(waits === undefined || !waits.closed, session, "something has ended, and nobody is called");
}

/** Where the engine would sleep: nothing is left that it could do. */
export function checkAsleep(session: Session, now: number): void {
  if (session.phase === "connecting") checkConnecting(session);
  if (session.phase !== "relaying") return;
  for (const [from, to] of ways(session)) {
    const holds = heldBytes(from, to) > 0 && !to.errorTaken && !(to.dead && to.error === 0);
    if (holds) must(!to.writable, session, "asleep with bytes for a peer that takes them");
    else must(!from.readable, session, "asleep with bytes, an end or a reset to read");
  }
  checkTimely(session, now);
}

function checkConnecting(session: Session): void {
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

/** When an attempt to connect has failed: why it may. */
export function checkFailure(session: Session, failure: ConnectFailure, options: {
  readonly now: number;
  readonly exhausted: boolean;
}): void {
  const { engineClient, attempt, connectMs, target } = session;
  if (failure === "client_gone") {
    return must(engineClient.wasReset || engineClient.closed, session, "the client is not gone");
  }
  if (attempt === undefined) {
    return must(options.exhausted ? failure === "resource" : false, session, `${failure} without an attempt`);
  }
  const { answer, end, startedAt } = attempt;
  must(end.closed, session, "a failed attempt is left open");
  if (answer.when !== "now" && options.now - startedAt >= connectMs && failure === "timeout") return;
  if (target !== undefined && target.sentReset) {
    return must(failure === "refused" || failure === "unreachable", session, `${failure} after a reset`);
  }
  if (answer.when !== "never" && answer.toItself) {
    return must(failure === "refused", session, `${failure} where a socket has reached itself`);
  }
  must(answer.when !== "never" && answer.error !== 0, session, `${failure} without a cause`);
  must(failure === meaning.get(answer.error), session, `${failure} after errno ${answer.error}`);
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
  must(relay!.receivedBytes === client.readBytes, session, "receivedBytes is wrong");
  must(relay!.sentBytes === client.writtenBytes, session, "sentBytes is wrong");
  must((relay!.firstByteAt !== undefined) === (target.readBytes > 0), session, "firstByteAt is wrong");
  must(!session.cut || end === "cut", session, `${end} after a cut`);
  must(mayEnd[end](session, client, target), session, `must not end as ${end}`);
}

/** The conditions without which no relay ends in a way. */
const mayEnd: {
  readonly [end in RelayEnd | "cut"]: (session: Session, client: End, target: End) => boolean;
} = {
  cut: (session) => session.cut,
  done(_, client, target) {
    // A target that finished and then cut has only said that it takes no more.
    const heard = target.wasReset || (client.endRead && heldBytes(client, target) === 0);
    const answered = heldBytes(target, client) === 0;
    // A reset that comes while the engine looks at its clock is one that comes too late.
    const left = client.wasReset && client.goneTold && !client.finReceived;
    return target.finReceived && target.endRead && !left && heard && answered;
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
    must(peer.closed || peer.finReceived || peer.dead, session, "a peer was told of no end");
    if (!peer.finReceived) continue;
    if (peer === target && session.relay === undefined) {
      // An attempt that nobody waited for any more: not a byte went there.
      must(peer.other!.writtenBytes === 0, session, "bytes for a target that was given up");
      continue;
    }
    // A FIN says that everything has come.
    must(other !== undefined && other.finDelivered, session, "a FIN that nobody sent");
    must(peer.other!.writtenBytes === other!.writtenBytes, session, "a FIN before everything was handed on");
    const whole = peer.closed || peer.readBytes === other!.writtenBytes;
    must(whole, session, `a FIN after ${peer.readBytes} of ${other!.writtenBytes} bytes`);
  }
  if (end !== "done" || target === undefined) return;
  const polite = !client.sentReset && !target.sentReset;
  if (polite) must(client.finReceived && target.finReceived, session, "done without a FIN for both");
}
