/** Sockets for the fixed load, by the kernel's own calls: Deno's event loop would add its own delays to the latencies. */
import { epollEvent } from "../../lib/relay/linux/libc.ts";
import type { Endpoint } from "./listening.ts";

const maxEvents = 64;
/** sys/socket.h, netinet/in.h, netinet/tcp.h */
const [afInet, sockStream, msgNosignal, ipprotoTcp, tcpNodelay] = [2, 1, 0x4000, 6, 1];
/** sys/epoll.h */
const [epollCtlAdd, epollIn] = [1, 1];
/** fcntl.h */
const fSetfl = 4;
const oNonblock = 0o4000;
/** sys/prctl.h: how late the kernel may wake a thread, 50 microseconds unless set. */
const prSetTimerslack = 29;

const symbols = {
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  connect: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
  fcntl: { parameters: ["i32", "i32", "i32"], result: "i32" },
  send: { parameters: ["i32", "buffer", "u32", "i32"], result: "i32" },
  recv: { parameters: ["i32", "buffer", "u32", "i32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  epoll_create1: { parameters: ["i32"], result: "i32" },
  epoll_ctl: { parameters: ["i32", "i32", "i32", "buffer"], result: "i32" },
  epoll_pwait2: { parameters: ["i32", "buffer", "i32", "buffer", "pointer"], result: "i32" },
  prctl: { parameters: ["i32", "u64"], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

/** So many connections to one endpoint, known by their index. Dispose it to have them closed. */
export class PacedSockets implements Disposable {
  readonly #libc = Deno.dlopen("libc.so.6", symbols);
  readonly #epoll: number;
  readonly #descriptors: number[] = [];
  readonly #events = new Uint8Array(maxEvents * epollEvent.bytes);
  readonly #eventsView = new DataView(this.#events.buffer);
  readonly #timeout = new BigInt64Array(2);
  readonly #timeoutBytes = new Uint8Array(this.#timeout.buffer);

  /** Throws when a connection is refused. */
  constructor(endpoint: Endpoint, count: number) {
    this.#libc.symbols.prctl(prSetTimerslack, 1n);
    this.#epoll = this.#libc.symbols.epoll_create1(0);
    for (let index = 0; index < count; index++) this.#open(endpoint, index);
  }

  /** Sends a short request whole; false when the connection did not take it. */
  send(index: number, request: Uint8Array<ArrayBuffer>): boolean {
    const sent = this.#libc.symbols.send(this.#descriptors[index]!, request, request.length, msgNosignal);
    return sent === request.length;
  }

  /** Reads what is there: bytes, or 0 or less when the connection has ended. */
  receive(index: number, buffer: Uint8Array<ArrayBuffer>): number {
    return this.#libc.symbols.recv(this.#descriptors[index]!, buffer, buffer.length, 0);
  }

  /** Waits until a connection can be read, at most `ms`; gives how many can, for `readable` to name. */
  wait(ms: number): number {
    this.#timeout[0] = BigInt(Math.floor(ms / 1000));
    this.#timeout[1] = BigInt(Math.floor((ms % 1000) * 1e6));
    return this.#libc.symbols.epoll_pwait2(this.#epoll, this.#events, maxEvents, this.#timeoutBytes, null);
  }

  /** The index of the nth connection that the last `wait` found. */
  readable(nth: number): number {
    return this.#eventsView.getUint32(nth * epollEvent.bytes + epollEvent.dataAt, true);
  }

  [Symbol.dispose](): void {
    for (const descriptor of [...this.#descriptors, this.#epoll]) this.#libc.symbols.close(descriptor);
    this.#libc.close();
  }

  #open({ address: host, port }: Endpoint, index: number): void {
    const { symbols: libc } = this.#libc;
    const descriptor = libc.socket(afInet, sockStream, 0);
    this.#descriptors.push(descriptor);
    const address = new Uint8Array([
      afInet,
      0,
      port >> 8,
      port & 0xff,
      ...host.split(".").map(Number),
      ...new Array(8).fill(0),
    ]);
    if (libc.connect(descriptor, address, address.length) !== 0) {
      throw new Error(`${host}:${port} refused a connection`);
    }
    libc.setsockopt(descriptor, ipprotoTcp, tcpNodelay, new Uint8Array([1, 0, 0, 0]), 4);
    libc.fcntl(descriptor, fSetfl, oNonblock);
    const event = new DataView(new ArrayBuffer(epollEvent.bytes));
    event.setUint32(0, epollIn, true);
    event.setUint32(epollEvent.dataAt, index, true);
    libc.epoll_ctl(this.#epoll, epollCtlAdd, descriptor, new Uint8Array(event.buffer));
  }
}
