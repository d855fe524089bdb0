/** Everything around the engine in one schedule: its kernel, its peers, the clock, and who calls it. */
import type { Engine, RelayEnd, Socket } from "../../../lib/relay/engine.ts";
import { linuxEngine } from "../../../lib/relay/linux/engine.ts";
import { Reactor } from "../../../lib/relay/linux/reactor.ts";
import { End } from "./connection.ts";
import { Dice } from "./dice.ts";
import { type Faults, noFaults } from "./faults.ts";
import { Kernel } from "./kernel.ts";
import { Before } from "./before.ts";
import { answerFor, type Character, characterOf, limitsFor, prefaceFor } from "./character.ts";
import { checkAsleep, checkEnd, checkFailure, checkMemory, checkStill } from "./oracle.ts";
import { Mismatch, type Session } from "./session.ts";

const clientPort = 10_000;
const targetPort = 20_000;

/** More rounds of the microtask queue than any chain of promises here takes. */
const rounds = 12;

/** More polls than all bytes of a schedule can need. */
const maxPolls = 400;

/** The world of one schedule. `note` is called with each step, for people. */
export class World {
  readonly dice: Dice;
  readonly character: Character;
  readonly kernel: Kernel;
  readonly reactor: Reactor;
  readonly engine: Engine;
  readonly sessions: Session[] = [];
  readonly faults: Faults;
  readonly note: ((what: string) => void) | undefined;
  now = 1_000;
  held = false;
  meanwhile = (): void => {};
  readonly #maxHeldBytes: number;
  #problem: unknown;

  constructor(seed: number, note?: (what: string) => void) {
    this.dice = new Dice(seed);
    this.note = note;
    this.character = characterOf(this.dice);
    this.faults = { ...noFaults };
    this.held = this.character.heldWires;
    this.kernel = new Kernel({
      dice: this.dice,
      faults: this.faults,
      meanwhile: () => this.meanwhile(),
      onConnect: ({ port, lastByte }) => this.#connect(port, lastByte),
    });
    this.reactor = new Reactor(this.kernel.libc(), { clock: () => this.now });
    const bufferBytes = this.dice.between(8, 64);
    const packetBytes = this.dice.between(8, 192);
    this.#maxHeldBytes = Math.max(bufferBytes, 2 * packetBytes, 24);
    this.engine = linuxEngine({
      reactor: this.reactor,
      bufferBytes,
      packetBytes,
    });
  }

  /** Listens and serves, as a session of the balancer would. Returns what ends it. */
  open(): () => void {
    const acceptor = this.engine.listen({ kind: "tcp", host: "10.0.0.1", port: 80 }, {
      shared: false,
      onError: () => {},
    });
    // Not to be able to listen is the caller's business.
    Object.assign(this.faults, this.character.faults);
    const serve = async () => {
      for (;;) {
        const socket = await acceptor.accept();
        if (socket === undefined) return;
        const session = this.sessions[Number(socket.remote.split(":")[1]) - clientPort]!;
        session.socket = socket;
        this.#serve(session).catch((error) => this.#problem ??= error);
      }
    };
    serve().catch((error) => this.#problem ??= error);
    return () => acceptor[Symbol.dispose]();
  }

  /** A client connects. */
  dial(): Session {
    const { dice } = this;
    const engineClient = this.#newEnd();
    const client = this.#newEnd();
    client.other = engineClient;
    engineClient.other = client;
    const session: Session = {
      number: this.sessions.length,
      limits: limitsFor(dice, this.character),
      connectMs: dice.between(100, 3_000),
      addresses: dice.chance(800) ? 1 : dice.between(2, 3),
      preface: prefaceFor(dice),
      client,
      engineClient,
      phase: "dialled",
      socket: undefined,
      waiting: undefined,
      goneCalls: undefined,
      attempts: 0,
      connectStartedAt: 0,
      tried: [],
      attempt: undefined,
      target: undefined,
      failure: undefined,
      relay: undefined,
      relayedAt: 0,
      firstByteCalls: 0,
      end: undefined,
      settled: 0,
      cut: false,
    };
    this.sessions.push(session);
    this.kernel.dial(engineClient, clientPort + session.number);
    return session;
  }

  /** One poll of the reactor, and what it sets off; whether there was nothing to do. */
  async poll(): Promise<boolean> {
    this.reactor.poll(100);
    const { microtasksPending } = this.reactor;
    if (microtasksPending) await this.settle();
    else for (const session of this.sessions) checkStill(session);
    this.#check();
    return !microtasksPending && this.kernel.lastEvents === 0 && this.kernel.lastWaitMs > 0;
  }

  /** Lets promises move, where the engine says that some are to. */
  async settle(): Promise<void> {
    for (let round = 0; round < rounds; round++) await null;
    this.reactor.microtasksPending = false;
  }

  /** Polls until the engine would sleep; then nothing may be left for it to do. */
  async pollUntilAsleep(): Promise<void> {
    for (let polls = 0; polls < maxPolls; polls++) {
      if (!await this.poll()) continue;
      for (const session of this.sessions) checkAsleep(session, this.now);
      return;
    }
    throw new Mismatch("polls and polls, and nothing changes");
  }

  #check(): void {
    if (this.kernel.violation !== undefined) throw new Mismatch(this.kernel.violation);
    if (this.#problem !== undefined) throw this.#problem;
    for (const session of this.sessions) checkMemory(session, this.#maxHeldBytes);
  }

  async #serve(session: Session): Promise<void> {
    const socket = session.socket!;
    const connected = await this.#untilConnected(session, socket);
    session.waiting = undefined;
    if (connected === undefined || session.cut) {
      session.phase = "over";
      connected?.reset();
      return socket.reset();
    }
    session.phase = "relaying";
    session.relayedAt = this.now;
    session.engineClient.forgetEnd();
    const observer = { firstByte: () => void session.firstByteCalls++ };
    session.relay = this.engine.relay(socket, connected, session.limits, observer);
    this.#ended(session, await session.relay.ended);
  }

  /** Everything before the relay; the target's socket, or undefined where there is to be none. */
  async #untilConnected(session: Session, socket: Socket): Promise<Socket | undefined> {
    session.phase = "preface";
    const before = new Before(this, session);
    const cancel = before.watch(socket);
    if (!await before.peek(socket) || !await before.greet(socket)) return undefined;
    const target = await this.#connectTo(session, socket);
    if (target === undefined) return undefined;
    session.phase = "preface";
    if (session.cut || !await before.sendHeader(target)) {
      target.reset();
      return undefined;
    }
    cancel();
    return target;
  }

  async #connectTo(session: Session, client: Socket): Promise<Socket | undefined> {
    session.phase = "connecting";
    const hosts = Array.from({ length: session.addresses }, (_, index) => `10.0.1.${index}`);
    const addresses = hosts.map((
      host,
    ) => ({ kind: "tcp", host, port: targetPort + session.number } as const));
    const options = { timeoutMs: session.connectMs, client };
    for (session.attempts = 1;; session.attempts++) {
      session.attempt = undefined;
      session.target = undefined;
      session.tried = [];
      session.connectStartedAt = this.now;
      const connected = await this.engine.connect(addresses, options);
      if (connected.kind === "connected") {
        const { index } = session.attempt!;
        if (connected.index !== index) {
          throw new Mismatch(`session ${session.number}: address ${connected.index} instead of ${index}`);
        }
        return connected.socket;
      }
      this.note?.(`session ${session.number}: ${connected.failure}`);
      checkFailure(session, connected.failure, this.character.faults.exhausted > 0);
      session.failure = connected.failure;
      if (connected.failure === "client_gone" || session.attempts === 2) return undefined;
    }
  }

  #ended(session: Session, end: RelayEnd | "cut"): void {
    this.note?.(`session ${session.number}: ended as ${end}`);
    session.phase = "over";
    session.end = end;
    session.settled++;
    checkEnd(session, end);
  }

  #connect(port: number, index: number): { end: End; result: number; toItself: boolean } {
    const session = this.sessions[port - targetPort]!;
    const answer = answerFor(this.dice, this.character);
    const end = this.#newEnd();
    session.target = undefined;
    session.attempt = { end, index, answer, startedAt: this.now, target: undefined };
    session.tried = [...session.tried, session.attempt];
    end.state = "connecting";
    const { toItself } = answer;
    if (answer.when !== "now") return { end, result: 115, toItself };
    this.answer(session);
    return { end, result: answer.error, toItself };
  }

  /** The network answers the attempt of a session, where it does. */
  answer(session: Session): void {
    const { attempt } = session;
    if (attempt === undefined || attempt.end.state !== "connecting" || attempt.end.closed) return;
    const { end, answer } = attempt;
    if (answer.when === "never") return;
    if (answer.error === 0 && !answer.toItself) {
      session.target = attempt.target = this.#newEnd();
      session.target.other = end;
      end.other = session.target;
    }
    this.note?.(`session ${session.number}: connect is answered, errno ${answer.error}`);
    end.answer(answer.error);
  }

  #newEnd(): End {
    const { dice } = this;
    const most = dice.chance(300) ? 200 : 40;
    // The wire is the world itself: held or not for all at once.
    return new End(this.#wire, { receiveBytes: dice.between(4, most), sendBytes: dice.between(4, most) });
  }

  readonly #wire = ((world) => ({
    get held(): boolean {
      return world.held;
    },
    now: () => world.now,
  }))(this);
}
