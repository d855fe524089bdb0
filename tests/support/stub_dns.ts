/** A name server that says what a test wants, over UDP and TCP. */
import { Buffer } from "node:buffer";
import * as packet from "dns-packet";

/** A question that has come in. */
export interface Asked {
  readonly name: string;
  readonly type: string;
  readonly transport: "udp" | "tcp";
}

/** A resource record, as the package has it. */
export interface StubRecord {
  readonly name: string;
  readonly type: string;
  readonly data: string;
}

/** What is said to a question. */
export type StubReply =
  | "silent"
  /** These bytes, whatever they are. */
  | Uint8Array
  | {
    readonly rcode?: number;
    readonly records?: readonly StubRecord[];
    readonly truncated?: boolean;
    /** Added to the id of the question. */
    readonly idOffset?: number;
    /** The question that is repeated, instead of the one asked; "none" repeats none. */
    readonly question?: { readonly name?: string; readonly type?: string } | "none";
    /** Whether another port than the one asked answers. */
    readonly fromElsewhere?: boolean;
  };

/** Says what to answer; several replies are sent one after the other; a promise makes the server slow. */
export type Script = (asked: Asked) => StubReply | readonly StubReply[] | Promise<StubReply>;

/** The codes of DNS for an answer that is none (RFC 1035, 4.1.1). */
export const rcodes = { serverFailure: 2, noSuchName: 3, refused: 5 } as const;

/** Answers with addresses of both families, each where its type is asked for. */
export function withAddresses(...addresses: readonly string[]): Script {
  return ({ name, type }) => ({
    records: addresses
      .filter((address) => address.includes(":") === (type === "AAAA"))
      .map((data) => ({ name, type, data })),
  });
}

/** Where it listens; the port is free for the taking by default. */
export interface StubOptions {
  readonly hostname?: string;
  readonly port?: number;
}

/** Dispose it to have its sockets closed and nobody answered any more. */
export class StubDns implements AsyncDisposable {
  /** May be replaced at any time. */
  script: Script;
  /** All that was asked, in order. */
  readonly asked: Asked[] = [];
  readonly #udp: Deno.DatagramConn;
  readonly #tcp: Deno.TcpListener;
  readonly #elsewhere = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  readonly #running: Promise<unknown>;
  readonly #open = new Set<Deno.Conn>();

  constructor(script: Script, { hostname = "127.0.0.1", port = 0 }: StubOptions = {}) {
    this.script = script;
    [this.#udp, this.#tcp] = pair(hostname, port);
    this.#running = Promise.all([this.#serveDatagrams(), this.#serveConnections()]);
  }

  get hostname(): string {
    return this.#tcp.addr.hostname;
  }

  get port(): number {
    return this.#tcp.addr.port;
  }

  /** How often a name was asked for, with either type. */
  count(name: string, type: string): number {
    return this.asked.filter((asked) => asked.name === name && asked.type === type).length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#udp.close();
    this.#tcp.close();
    const open = [...this.#open];
    this.#open.clear();
    for (const conn of open) conn.close();
    await this.#running;
    this.#elsewhere.close();
  }

  async #serveDatagrams(): Promise<void> {
    for await (const [message, from] of this.#udp) {
      const respond = (reply: Uint8Array, elsewhere: boolean) =>
        (elsewhere ? this.#elsewhere : this.#udp).send(reply, from).then(() => {}, ignoreClosed);
      // The next question must not wait for a slow answer.
      this.#answer({ message: message.slice(), transport: "udp", respond });
    }
  }

  async #serveConnections(): Promise<void> {
    const conversations: Promise<void>[] = [];
    for await (const conn of this.#tcp) conversations.push(this.#converse(conn));
    await Promise.all(conversations);
  }

  async #converse(conn: Deno.Conn): Promise<void> {
    this.#open.add(conn);
    try {
      const buffer = new Uint8Array(4096);
      let length = 0;
      while (length < 2 || length < 2 + (buffer[0]! << 8 | buffer[1]!)) {
        const read = await conn.read(buffer.subarray(length));
        if (read === null) return;
        length += read;
      }
      const respond = async (reply: Uint8Array) => {
        await conn.write(Uint8Array.of(reply.length >> 8, reply.length & 0xff, ...reply));
      };
      await this.#answer({ message: buffer.slice(2, length), transport: "tcp", respond });
      // Whoever was not answered waits until he goes.
      await conn.read(buffer);
    } catch (error) {
      ignoreClosed(error);
    } finally {
      if (this.#open.delete(conn)) conn.close();
    }
  }

  async #answer({ message, transport, respond }: {
    readonly message: Uint8Array;
    readonly transport: Asked["transport"];
    readonly respond: (reply: Uint8Array, elsewhere: boolean) => Promise<void>;
  }): Promise<void> {
    const { id, questions: [question] } = packet.decode(Buffer.from(message));
    const asked = { name: question.name, type: question.type, transport };
    this.asked.push(asked);
    const replies = await this.script(asked);
    for (const reply of Array.isArray(replies) ? replies as readonly StubReply[] : [replies as StubReply]) {
      if (reply === "silent") continue;
      const elsewhere = !(reply instanceof Uint8Array) && reply.fromElsewhere === true;
      await respond(reply instanceof Uint8Array ? reply : encode(reply, { id, question }), elsewhere);
    }
  }
}

function encode(
  reply: Exclude<StubReply, string | Uint8Array>,
  { id, question }: {
    readonly id: number;
    readonly question: { readonly name: string; readonly type: string };
  },
): Uint8Array {
  const { rcode = 0, records = [], truncated = false, idOffset = 0, question: repeated = {} } = reply;
  const message = packet.encode({
    type: "response",
    id: (id + idOffset) & 0xffff,
    flags: packet.RECURSION_DESIRED | packet.RECURSION_AVAILABLE | rcode |
      (truncated ? packet.TRUNCATED_RESPONSE : 0),
    questions: repeated === "none" ? [] : [{ ...question, ...repeated }],
    answers: records.map((record) => ({ ttl: 60, ...record })),
  });
  return new Uint8Array(message);
}

/** A port that is free for both protocols. */
function pair(hostname: string, port: number): [Deno.DatagramConn, Deno.TcpListener] {
  for (let attempt = 0;; attempt++) {
    const tcp = Deno.listen({ hostname, port });
    try {
      return [Deno.listenDatagram({ transport: "udp", hostname, port: tcp.addr.port }), tcp];
    } catch (error) {
      tcp.close();
      if (port !== 0 || attempt === 10) throw error;
    }
  }
}

/** Whoever asked may be gone, and the server closed, before it has answered. */
function ignoreClosed(error: unknown): void {
  const { BadResource, BrokenPipe, ConnectionReset, Interrupted } = Deno.errors;
  if (![BadResource, BrokenPipe, ConnectionReset, Interrupted].some((kind) => error instanceof kind)) {
    throw error;
  }
}
