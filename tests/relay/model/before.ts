/** What a session of a schedule does before its relay, and what it checks of the answers. */
import { maxPeekBytes, type Peeked, type Socket } from "../../../lib/relay/engine.ts";
import type { Dice } from "./dice.ts";
import { clientByte, Mismatch, prefixByte, type Session, type Side } from "./session.ts";

/** What is around the session. */
interface Around {
  readonly dice: Dice;
  readonly now: number;
}

/** One session before its relay. Each step resolves to whether the session may go on. */
export class Before {
  readonly #world: Around;
  readonly #session: Session;

  constructor(world: Around, session: Session) {
    this.#world = world;
    this.#session = session;
  }

  /** Has the engine say when the client is gone; returns what cancels it. */
  watch(socket: Socket): () => void {
    const session = this.#session;
    if (!session.preface.watches) return () => {};
    session.goneCalls = 0;
    const cancel = socket.whenGone(() => session.goneCalls!++);
    return () => {
      cancel();
      session.goneCalls = undefined;
    };
  }

  async peek(socket: Socket): Promise<boolean> {
    const session = this.#session;
    const { peekBytes, skips, timeoutMs } = session.preface;
    if (peekBytes === 0) return true;
    const startedAt = this.#world.now;
    const end = session.engineClient;
    // A receive buffer that is smaller would never have them.
    const minBytes = Math.min(peekBytes, end.received.capacity);
    session.waiting = { kind: "peek", end, bytes: minBytes, startedAt, timeoutMs };
    const peeked = await socket.peek({ minBytes, timeoutMs });
    session.waiting = undefined;
    this.#check(peeked, minBytes, startedAt);
    if (peeked.kind === "gone") return false;
    const size = skips && !end.closed ? this.#world.dice.below(peeked.bytes.length + 1) : 0;
    const readBefore = end.readBytes;
    socket.skip(size);
    end.skippedBytes += end.readBytes - readBefore;
    if (end.skippedBytes !== size && !end.wasReset) {
      this.#mismatch(`skipped ${end.skippedBytes} of ${size} bytes`);
    }
    return true;
  }

  greet(socket: Socket): Promise<boolean> {
    return this.#write(socket, "client");
  }

  sendHeader(socket: Socket): Promise<boolean> {
    return this.#write(socket, "target");
  }

  async #write(socket: Socket, side: Side): Promise<boolean> {
    const session = this.#session;
    const { greetingBytes, headerBytes, timeoutMs } = session.preface;
    const size = side === "client" ? greetingBytes : headerBytes;
    if (size === 0) return true;
    const end = side === "client" ? session.engineClient : session.attempt!.end;
    end.prefixBytes = size;
    const startedAt = this.#world.now;
    session.waiting = { kind: "write", end, bytes: size, startedAt, timeoutMs };
    const written = await socket.write(Uint8Array.from({ length: size }, (_, at) => prefixByte(side, at)), {
      timeoutMs,
    });
    session.waiting = undefined;
    if (written === "written" && end.writtenBytes !== size) {
      this.#mismatch(`${end.writtenBytes} of ${size} written`);
    }
    if (written === "gone" && !end.wasReset && !end.closed) this.#mismatch("a write to nobody, who is there");
    if (written === "timeout" && this.#world.now - startedAt < timeoutMs) {
      this.#mismatch("a write gave up early");
    }
    return written === "written";
  }

  #check(peeked: Peeked, minBytes: number, startedAt: number): void {
    const { engineClient: end, preface: { timeoutMs } } = this.#session;
    if (peeked.kind === "gone") {
      if (!end.wasReset && !end.closed) this.#mismatch("a client is gone who is there");
      return;
    }
    const { kind, bytes } = peeked;
    if (bytes.length > maxPeekBytes) this.#mismatch(`${bytes.length} bytes were peeked`);
    if ((kind === "bytes") !== (bytes.length >= minBytes)) {
      this.#mismatch(`${bytes.length} bytes are called ${kind}`);
    }
    if (kind === "end" && !end.finReceived && !end.wasUrgent) this.#mismatch("an end that has not come");
    if (kind === "timeout" && this.#world.now - startedAt < timeoutMs) this.#mismatch("a peek gave up early");
    const wrong = bytes.findIndex((byte, at) => byte !== clientByte(this.#session, at));
    if (wrong >= 0) this.#mismatch(`peeked byte ${wrong} is another`);
  }

  #mismatch(what: string): never {
    throw new Mismatch(`session ${this.#session.number}: ${what}`);
  }
}
