/** A target that takes no more connections without refusing any, which Deno's own listeners cannot be. Linux only. */
import assert from "node:assert/strict";

/** Its queue is full: the kernel drops every further attempt to connect, which then hangs. */
export class FullTarget implements Disposable {
  readonly #libc = Deno.dlopen("libc.so.6", {
    socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
    bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
    listen: { parameters: ["i32", "i32"], result: "i32" },
    getsockname: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
    close: { parameters: ["i32"], result: "i32" },
  });
  readonly #descriptor: number;
  readonly #queued: Deno.TcpConn[] = [];
  readonly port: number;

  private constructor() {
    const { socket, bind, listen, getsockname } = this.#libc.symbols;
    this.#descriptor = socket(2, 1, 0);
    const address = new Uint8Array([2, 0, 0, 0, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
    const size = new Uint8Array(new Uint32Array([address.length]).buffer);
    assert.equal(bind(this.#descriptor, address, address.length), 0);
    assert.equal(listen(this.#descriptor, 0), 0);
    assert.equal(getsockname(this.#descriptor, address, size), 0);
    this.port = address[2]! * 256 + address[3]!;
  }

  /** Listens, accepts nothing, and fills the queue: Linux takes one connection more than the backlog of 0 says. */
  static async start(): Promise<FullTarget> {
    const target = new FullTarget();
    target.#queued.push(await Deno.connect({ hostname: "127.0.0.1", port: target.port }));
    return target;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** How many attempts to connect hang at present: the kernel's list has them in state 2, SYN_SENT. */
  get hanging(): number {
    const remote = `0100007F:${this.port.toString(16).toUpperCase().padStart(4, "0")}`;
    return Deno.readTextFileSync("/proc/net/tcp").split("\n")
      .filter((line) => {
        const [, , peer, state] = line.trim().split(/\s+/);
        return peer === remote && state === "02";
      }).length;
  }

  [Symbol.dispose](): void {
    for (const conn of this.#queued) conn.close();
    this.#libc.symbols.close(this.#descriptor);
    this.#libc.close();
  }
}
