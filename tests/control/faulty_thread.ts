/**
 * A data-plane thread as it is, but that connections have faults: one that "FAULT" passes through is a fault in the engine's
 * own code, one that "PROMISE" passes through leaves a promise behind that is rejected and that nobody waits for.
 */
import "../../lib/dataplane/worker.ts";

// The echo of it passes, too.
let promisesLeft = 1;

function meet(bytes: Uint8Array): void {
  const text = new TextDecoder().decode(bytes.subarray(0, 7));
  if (text === "PROMISE" && promisesLeft-- > 0) {
    void Promise.reject(new Error("a promise that nobody waits for"));
  }
  if (text.startsWith("FAULT")) throw new Error("a fault of the program");
}

// The linux engine: its recv.
const { dlopen } = Deno;
type Recv = (descriptor: number, bytes: Uint8Array, size: number, flags: number) => number;
Object.defineProperty(Deno, "dlopen", {
  value(...args: Parameters<typeof dlopen>) {
    const library = dlopen(...args) as Deno.DynamicLibrary<{ recv: never }>;
    const symbols = library.symbols as unknown as { readonly recv: Recv };
    const recv: Recv = (descriptor, bytes, ...more) => {
      const size = symbols.recv(descriptor, bytes, ...more);
      if (size > 0) meet(bytes.subarray(0, size));
      return size;
    };
    return { close: () => library.close(), symbols: { ...symbols, recv } };
  },
});

// The portable engine: what its connections to targets do when they are closed, which is no I/O that may fail.
const { connect } = Deno;
Object.defineProperty(Deno, "connect", {
  async value(options: Deno.ConnectOptions) {
    const conn = await connect(options);
    let first: Uint8Array | undefined;
    const { write, close } = conn;
    conn.write = (bytes) => {
      first ??= bytes.slice();
      return write.call(conn, bytes);
    };
    conn.close = () => {
      close.call(conn);
      meet(first ?? new Uint8Array());
    };
    return conn;
  },
});
