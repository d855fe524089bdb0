/** A TLS connection; disposing it closes everything under it. */
export interface TlsWire extends Disposable {
  read(buffer: Uint8Array): Promise<number | null>;
  write(bytes: Uint8Array): Promise<number>;
}

export interface TlsOptions {
  /** What the certificate must be for. */
  readonly name: string;
  readonly signal: AbortSignal;
  /** Deno.listen, or what a test puts in its place. */
  readonly listen?: typeof Deno.listen;
}

/** The handshake failed; `cause` is what Deno threw, or what the connection underneath ended with. */
export class HandshakeError extends Error {}

/** No socket could be had on the loopback; `cause` is what Deno threw. */
export class LoopbackError extends Error {}

/** More foreign connections than these to a loopback port that lives for microseconds are an attack. */
const maxForeignConnections = 8;

/**
 * Speaks TLS over `plain`, verified for `name` against Deno's roots (DENO_TLS_CA_STORE, DENO_CERT); closing the result closes
 * `plain` too.
 *
 * A TlsConn closed while the peer is silent in the handshake keeps its descriptor until that peer closes (Deno 2.4 to 2.9),
 * which would cost one for each probe of a hanging target. So TLS runs over a loopback connection whose other end this
 * process can close. On any error, and when `signal` aborts, everything is closed; throws HandshakeError or LoopbackError.
 */
export async function overTls(
  plain: Deno.TcpConn,
  { name, signal, listen = Deno.listen }: TlsOptions,
): Promise<TlsWire> {
  const open = new DisposableStack();
  open.use(plain);
  const interrupt = () => open.dispose();
  signal.addEventListener("abort", interrupt);
  // It may have aborted since the connection was made, and then says nothing any more.
  if (signal.aborted) interrupt();
  const transport: { error?: unknown } = {};
  try {
    const { near, far } = await loopbackPair(open, listen);
    pumpIn(plain, { far, transport });
    pumpOut(far, plain);
    const tls = await Deno.startTls(near, { hostname: name, alpnProtocols: ["http/1.1"] });
    if (open.disposed) tls.close();
    else open.use(tls);
    await tls.handshake();
    return {
      read: (buffer) => tls.read(buffer).catch((error) => endOf(error, transport)),
      write: (bytes) => tls.write(bytes),
      [Symbol.dispose]: interrupt,
    };
  } catch (error) {
    open.dispose();
    if (error instanceof LoopbackError) throw error;
    throw new HandshakeError("TLS handshake failed", { cause: transport.error ?? error });
  } finally {
    signal.removeEventListener("abort", interrupt);
  }
}

/**
 * A connection that ended without close_notify has ended all the same: an answer has a length of its own, and where it has
 * none HAProxy takes the end too. A reset stays a reset.
 */
function endOf(error: unknown, transport: { readonly error?: unknown }): null {
  if (!(error instanceof Deno.errors.UnexpectedEof)) throw error;
  if (transport.error !== undefined) throw transport.error;
  return null;
}

async function loopbackPair(
  open: DisposableStack,
  listen: typeof Deno.listen,
): Promise<{ readonly near: Deno.TcpConn; readonly far: Deno.TcpConn }> {
  try {
    using listener = listen({ hostname: "127.0.0.1", port: 0 });
    const near = await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
    keep(open, near);
    const far = await acceptFrom(near.localAddr.port, listener);
    keep(open, far);
    return { near, far };
  } catch (error) {
    throw error instanceof LoopbackError ? error : new LoopbackError("no loopback pair", { cause: error });
  }
}

function keep(open: DisposableStack, conn: Deno.TcpConn): void {
  if (open.disposed) conn.close();
  else open.use(conn);
}

/** Another process may have connected to the port first; its bytes must never be taken for those of the target. */
async function acceptFrom(port: number, listener: Deno.TcpListener): Promise<Deno.TcpConn> {
  for (let foreign = 0; foreign < maxForeignConnections; foreign++) {
    const conn = await listener.accept();
    if (conn.remoteAddr.port === port) return conn;
    conn.close();
  }
  throw new LoopbackError("other processes connect to the loopback port");
}

/** Moves what the target says until it ends. A reset is noted: the loopback connection can only show an end. */
async function pumpIn(
  plain: Deno.TcpConn,
  { far, transport }: { readonly far: Deno.TcpConn; readonly transport: { error?: unknown } },
): Promise<void> {
  const buffer = new Uint8Array(bufferBytes);
  const read = () => plain.read(buffer).catch((error) => (transport.error = error, null));
  try {
    for (let n = await read(); n !== null; n = await read()) {
      for (let at = 0; at < n;) at += await far.write(buffer.subarray(at, n));
    }
    await far.closeWrite();
  } catch {
    // The stack has closed both.
  }
}

/** Moves what is to be said to the target. One that no longer listens may have answered: what it said is still read. */
async function pumpOut(far: Deno.TcpConn, plain: Deno.TcpConn): Promise<void> {
  const buffer = new Uint8Array(bufferBytes);
  let listening = true;
  try {
    for (let n = await far.read(buffer); n !== null; n = await far.read(buffer)) {
      for (let at = 0; listening && at < n;) {
        at += await plain.write(buffer.subarray(at, n)).catch(() => {
          listening = false;
          return 0;
        });
      }
    }
    await plain.closeWrite();
  } catch {
    // The stack has closed both, or the target is gone, which reading from it says.
  }
}

const bufferBytes = 16 * 1024;
