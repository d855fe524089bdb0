/** Asking one name server: over UDP, and over TCP what does not fit into a datagram. Deno's sockets, no threads. */
import { type Answer, encodeQuestion, type Question, readAnswer } from "./dns_message.ts";

/** A name server. */
export interface NameServer {
  /** An IP literal without a scope: Deno would hand anything else to getaddrinfo, and with it to a thread. */
  readonly hostname: string;
  readonly port: number;
}

/** What came of asking one server one question. */
export type Reply =
  | Exclude<Answer, { readonly kind: "truncated" }>
  | { readonly kind: "silent" }
  /** The question could not be sent there. */
  | { readonly kind: "unreachable" }
  /** This process has no descriptor or no memory to ask with. */
  | { readonly kind: "noResources" };

/** Answers are at most 512 bytes long, because the question does not allow more (RFC 1035, 4.2.1); some servers send more all the same. */
const maxDatagramBytes = 4096;

/** After so many datagrams that answer no question nothing more is read: somebody forges answers, or floods the port. */
const maxForeign = 256;

/** Asks all questions at once and gives the replies in their order; ends at the latest when `signal` aborts. Never rejects. */
export async function askNameServer(
  server: NameServer,
  { questions, signal }: { readonly questions: readonly Question[]; readonly signal: AbortSignal },
): Promise<Reply[]> {
  const answers = await askByUdp(server, { questions, signal });
  return Promise.all(
    answers.map((answer, index): Promise<Reply> | Reply =>
      answer.kind === "truncated" ? askByTcp(server, { question: questions[index]!, signal }) : answer
    ),
  );
}

/** Closes a socket once: when the signal aborts, or when it is disposed. */
class Closing implements Disposable {
  readonly #signal: AbortSignal;
  readonly #socket: { close(): void };
  #closed = false;
  readonly #close = () => {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.close();
  };

  constructor(socket: { close(): void }, signal: AbortSignal) {
    this.#socket = socket;
    this.#signal = signal;
    signal.addEventListener("abort", this.#close);
    if (signal.aborted) this.#close();
  }

  [Symbol.dispose](): void {
    this.#signal.removeEventListener("abort", this.#close);
    this.#close();
  }
}

async function askByUdp(
  server: NameServer,
  { questions, signal }: { readonly questions: readonly Question[]; readonly signal: AbortSignal },
): Promise<(Reply | Answer)[]> {
  const answers = new Array<Answer | undefined>(questions.length).fill(undefined);
  const all = (missing: Reply) => answers.map((answer) => answer ?? missing);
  try {
    // A socket for each asking: its port, chosen by the kernel, is one more number that whoever forges an answer has to guess.
    const { hostname, port } = server;
    const socket = Deno.listenDatagram({
      transport: "udp",
      hostname: hostname.includes(":") ? "::" : "0.0.0.0",
      port: 0,
    });
    using _closing = new Closing(socket, signal);
    for (const question of questions) {
      await socket.send(encodeQuestion(question), { transport: "udp", hostname, port });
    }
    const buffer = new Uint8Array(maxDatagramBytes);
    for (let foreign = 0; foreign < maxForeign && answers.includes(undefined);) {
      const [message, from] = await socket.receive(buffer);
      const index = isFrom(server, from) ? answeredBy(message, { questions, answers }) : -1;
      if (index < 0) foreign++;
    }
    return all({ kind: "silent" });
  } catch (error) {
    return all(signal.aborted ? { kind: "silent" } : localFailure(error));
  }
}

function isFrom(server: NameServer, from: Deno.Addr): boolean {
  return from.transport === "udp" && from.hostname === server.hostname && from.port === server.port;
}

/** Keeps a message as the answer to the question that it fits, whose index is given; -1 when it fits none. */
function answeredBy(
  message: Uint8Array,
  { questions, answers }: {
    readonly questions: readonly Question[];
    readonly answers: (Answer | undefined)[];
  },
): number {
  return questions.findIndex((question, index) => {
    if (answers[index] !== undefined) return false;
    answers[index] = readAnswer(message, question);
    return answers[index] !== undefined;
  });
}

/** The length of a message comes before it, in two bytes (RFC 1035, 4.2.2), and so bounds it. */
async function askByTcp(
  { hostname, port }: NameServer,
  { question, signal }: { readonly question: Question; readonly signal: AbortSignal },
): Promise<Reply> {
  try {
    const conn = await Deno.connect({ hostname, port, signal });
    using _closing = new Closing(conn, signal);
    const message = encodeQuestion(question);
    await writeAll(conn, Uint8Array.of(message.length >> 8, message.length & 0xff, ...message));
    const [high = 0, low = 0] = await readExactly(conn, 2);
    const answer = readAnswer(await readExactly(conn, high << 8 | low), question);
    return answer === undefined || answer.kind === "truncated" ? { kind: "silent" } : answer;
  } catch (error) {
    return signal.aborted ? { kind: "silent" } : localFailure(error);
  }
}

async function writeAll(conn: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let sent = 0; sent < bytes.length;) sent += await conn.write(bytes.subarray(sent));
}

async function readExactly(conn: Deno.Conn, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  for (let received = 0; received < length;) {
    const read = await conn.read(bytes.subarray(received));
    if (read === null) throw new Deno.errors.UnexpectedEof("the name server has closed the connection");
    received += read;
  }
  return bytes;
}

/** What a socket call has thrown, as a reply: whatever it is, it fails the question to this server and nothing else. */
function localFailure(error: unknown): Reply {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM"].includes(String(code))) return { kind: "noResources" };
  return { kind: "unreachable" };
}
