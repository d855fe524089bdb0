/**
 * Speaks TLS over `plain`, verified for `name` against Deno's roots (DENO_TLS_CA_STORE, DENO_CERT); closing the result closes `plain` too.
 *
 * A TlsConn closed while the peer is silent in the handshake keeps its descriptor until that peer closes (Deno 2.4 to 2.9),
 * which would cost one for each probe of a hanging target. So TLS runs over a loopback connection whose other end is ours to
 * close. On any error, and when `signal` aborts, everything is closed; throws what startTls and the handshake throw.
 */
export async function overTls(
  plain: Deno.TcpConn,
  { name, signal }: { readonly name: string; readonly signal: AbortSignal },
): Promise<Disposable & Pick<Deno.Conn, "read" | "write">> {
  const open = new DisposableStack();
  open.use(plain);
  const interrupt = () => open.dispose();
  signal.addEventListener("abort", interrupt);
  try {
    const { near, far } = await loopbackPair(open);
    if (open.disposed) throw signal.reason;
    pump(plain, far);
    pump(far, plain);
    const tls = await Deno.startTls(near, { hostname: name, alpnProtocols: ["http/1.1"] });
    if (open.disposed) tls.close();
    else open.use(tls);
    await tls.handshake();
    return {
      read: (buffer) => tls.read(buffer),
      write: (bytes) => tls.write(bytes),
      [Symbol.dispose]: interrupt,
    };
  } catch (error) {
    open.dispose();
    throw error;
  } finally {
    signal.removeEventListener("abort", interrupt);
  }
}

async function loopbackPair(
  open: DisposableStack,
): Promise<{ readonly near: Deno.TcpConn; readonly far: Deno.TcpConn }> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const near = await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
  const far = await listener.accept();
  for (const conn of [near, far]) {
    if (open.disposed) conn.close();
    else open.use(conn);
  }
  // Whoever else connected to the port in between must not get to speak for the target.
  if (far.remoteAddr.port !== near.localAddr.port) {
    throw new Error("the loopback port was taken by another process");
  }
  return { near, far };
}

/** Moves bytes until either side ends, and passes the end on. */
async function pump(from: Deno.TcpConn, to: Deno.TcpConn): Promise<void> {
  const buffer = new Uint8Array(16 * 1024);
  try {
    for (let n = await from.read(buffer); n !== null; n = await from.read(buffer)) {
      for (let at = 0; at < n;) at += await to.write(buffer.subarray(at, n));
    }
    await to.closeWrite();
  } catch {
    // A reset, or the stack above has closed both: the TLS side must see an end either way.
    to[Symbol.dispose]();
  }
}
