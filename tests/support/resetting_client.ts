/** Clients that end with an RST, which Deno's own sockets cannot send. Linux only. */
import assert from "node:assert/strict";

const family = 2;
const stream = 1;
const socketLevel = 1;
const lingerOption = 13;

/** Opens connections to 127.0.0.1 through libc and resets them. Dispose it once every connection is reset. */
export class ResettingClients implements Disposable {
  readonly #libc = Deno.dlopen("libc.so.6", {
    socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
    connect: { parameters: ["i32", "buffer", "u32"], result: "i32" },
    setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
    close: { parameters: ["i32"], result: "i32" },
  });

  /** Connects and returns the connection's number for `reset`. */
  connect(port: number): number {
    const { socket, connect } = this.#libc.symbols;
    const descriptor = socket(family, stream, 0);
    assert.ok(descriptor >= 0, "no socket");
    const address = new Uint8Array([family, 0, port >> 8, port & 255, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert.equal(connect(descriptor, address, address.length), 0, "no connection");
    return descriptor;
  }

  /** Ends a connection with an RST. */
  reset(descriptor: number): void {
    const { setsockopt, close } = this.#libc.symbols;
    const noLinger = new Uint8Array(new Int32Array([1, 0]).buffer);
    assert.equal(setsockopt(descriptor, socketLevel, lingerOption, noLinger, noLinger.length), 0);
    assert.equal(close(descriptor), 0);
  }

  [Symbol.dispose](): void {
    this.#libc.close();
  }
}
