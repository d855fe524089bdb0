/**
 * A kernel without a machine: the C library's calls that the linux engine makes, over simulated connections. It interrupts
 * calls, runs out of descriptors and lets the world go on between two calls, all by the schedule's dice; a call that no
 * correct program makes ends the run.
 */
import {
  epollConstants,
  epollEvent,
  errno,
  type Libc,
  pipeConstants,
  socketConstants,
} from "../../../lib/relay/linux/libc.ts";
import { ByteQueue } from "./bytes.ts";
import type { End } from "./connection.ts";
import { Descriptors, type Listening, refuseAll } from "./descriptors.ts";
import { Epoll } from "./epoll.ts";
import type { KernelOptions } from "./faults.ts";
import { readOption, setOption, unsent } from "./options.ts";
import { splice } from "./splicing.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** The kernel of one schedule. */
export class Kernel {
  readonly #options: KernelOptions;
  readonly descriptors = new Descriptors((what) => this.violated(what));
  listener: Listening | undefined;
  /** What went wrong first. */
  violation: string | undefined;
  /** What the last epoll_wait was asked, and how many events it gave. */
  lastWaitMs = -1;
  lastEvents = 0;
  #errno = 0;
  #theEpoll: Epoll | undefined;
  #view = new DataView(new ArrayBuffer(0));

  constructor(options: KernelOptions) {
    this.#options = options;
  }

  violated(what: string): never {
    this.violation ??= what;
    throw new Error(what);
  }

  /** The simulated C library. */
  libc(): Libc {
    const call = {
      accept4: (fd: number, peer: Bytes, size: Bytes, flags: number) =>
        this.#accept(fd, { peer, size, flags }),
      bind: (fd: number) => (this.descriptors.get(fd, "socket", "bind"), 0),
      close: (fd: number) => this.#close(fd),
      connect: (fd: number, address: Bytes, size: number) => this.#connect(fd, address.subarray(0, size)),
      epoll_create1: () => this.descriptors.add({ kind: "epoll", epoll: new Epoll() }),
      epoll_ctl: (fd: number, verb: number, on: number, event: Bytes) =>
        this.#control(fd, verb, { on, event }),
      epoll_wait: (fd: number, to: Bytes, most: number, ms: number) => this.#wait(fd, to, { most, ms }),
      eventfd: () => this.#result(-this.#exhausted() || this.descriptors.add({ kind: "event" })),
      fcntl: (fd: number, verb: number, size: number) => this.#sizeOfPipe(fd, verb, size),
      getsockname: (fd: number, name: Bytes, size: Bytes) => this.#ownAddress(fd, name, size),
      getsockopt: (fd: number, level: number, name: number, value: Bytes) =>
        readOption(this.#end(fd, "getsockopt"), { level, name }, value) ??
          this.violated(`getsockopt: ${name}`),
      ioctl: (fd: number, request: bigint, value: Bytes) =>
        unsent(this.#end(fd, "ioctl"), request, value) ?? this.violated(`ioctl: ${request}`),
      listen: (fd: number) => this.#listen(fd),
      pipe2: (ends: Bytes, flags: number) => this.#pipe(ends, flags),
      recv: (fd: number, to: Bytes, size: number, flags: number) => this.#recv(fd, to, { size, flags }),
      send: (fd: number, from: Bytes, size: number, flags: number) => this.#send(fd, from, { size, flags }),
      setsockopt: (fd: number, level: number, name: number, value: Bytes) =>
        setOption(this.descriptors.any(fd, "setsockopt"), { level, name }, value),
      shutdown: (fd: number, how: number) => this.#shutdown(fd, how),
      socket: (_family: number, type: number) => this.#socket(type),
      splice: (from: number, _in: null, to: number, _out: null, size: number, flags: number) =>
        this.#splice(from, to, { size, flags }),
    };
    return { call: call as unknown as Libc["call"], errno: () => this.#errno, close: () => {} };
  }

  /** Puts a connection before accept. */
  dial(end: End, port: number): void {
    this.listener?.backlog.push({ end, port });
    const watch = this.listener?.watch;
    if (watch !== undefined) this.#theEpoll?.edge(watch);
  }

  #fail(number: number): -1 {
    this.#errno = number;
    return -1;
  }

  /** A count as the C library returns it: -1 and errno where it is negative. */
  #result(count: number): number {
    return count < 0 ? this.#fail(-count) : count;
  }

  /** The world goes on; true when a signal interrupts the call. */
  #interrupted(): boolean {
    const { dice, faults, meanwhile } = this.#options;
    if (dice.chance(faults.meanwhile)) meanwhile();
    return dice.chance(faults.interrupted);
  }

  #exhausted(): number {
    const { dice, faults } = this.#options;
    return dice.chance(faults.exhausted) ? dice.of([errno.EMFILE, errno.ENFILE, errno.ENOMEM]) : 0;
  }

  #end(fd: number, call: string): End {
    return this.descriptors.get(fd, "socket", call).end ?? this.violated(`${call}(${fd}): not connected`);
  }

  #socket(type: number): number {
    if (type !== socketConstants.STREAM_NONBLOCK_CLOEXEC) {
      this.violated("socket: it would block, or outlive exec");
    }
    const number = this.#exhausted();
    if (number !== 0) return this.#fail(number);
    return this.descriptors.add({ kind: "socket", end: undefined, watch: undefined, dialled: undefined });
  }

  #listen(fd: number): number {
    this.descriptors.get(fd, "socket", "listen");
    this.listener = { kind: "listener", backlog: [], watch: undefined };
    this.descriptors.replace(fd, this.listener);
    return 0;
  }

  #accept(fd: number, { peer, size, flags }: { peer: Bytes; size: Bytes; flags: number }): number {
    const { backlog } = this.descriptors.get(fd, "listener", "accept4");
    const { dice, faults } = this.#options;
    if (flags !== socketConstants.NONBLOCK_CLOEXEC) this.violated("accept4: it would block, or outlive exec");
    if (size[0]! < 16) this.violated("accept4: no room for an address");
    if (this.#interrupted()) return this.#fail(errno.EINTR);
    const number = this.#exhausted();
    if (number !== 0) return this.#fail(number);
    const first = backlog.shift();
    if (first === undefined) return this.#fail(errno.EAGAIN);
    if (dice.chance(faults.aborted)) {
      refuseAll({ backlog: [first] });
      return this.#fail(errno.ECONNABORTED);
    }
    peer.set([socketConstants.AF_INET, 0, first.port >> 8, first.port & 255, 10, 0, 0, 1]);
    return this.descriptors.add({ kind: "socket", end: first.end, watch: undefined, dialled: undefined });
  }

  #connect(fd: number, address: Bytes): number {
    const socket = this.descriptors.get(fd, "socket", "connect");
    const { end, result, toItself } = this.#options.onConnect({
      port: address[2]! << 8 | address[3]!,
      lastByte: address[7]!,
    });
    socket.end = end;
    socket.dialled = { address: address.slice(), toItself };
    this.#listenTo(end, fd);
    return this.#result(-result);
  }

  /** A socket that has reached itself has its target's address as its own. */
  #ownAddress(fd: number, name: Bytes, size: Bytes): number {
    const open = this.descriptors.any(fd, "getsockname");
    if (open.kind !== "socket" && open.kind !== "listener") {
      return this.violated(`getsockname: a ${open.kind}`);
    }
    const address = open.kind === "socket" && open.dialled?.toItself === true
      ? open.dialled.address
      : Uint8Array.of(socketConstants.AF_INET, 0, 200, 0, 10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0);
    name.set(address);
    size[0] = address.length;
    return 0;
  }

  #control(fd: number, verb: number, { on, event }: { on: number; event: Bytes }): number {
    const { epoll } = this.descriptors.get(fd, "epoll", "epoll_ctl");
    const open = this.descriptors.any(on, "epoll_ctl");
    if (verb !== epollConstants.CTL_ADD) this.violated(`epoll_ctl: verb ${verb}`);
    if (open.kind !== "socket" && open.kind !== "listener") return this.violated(`epoll_ctl: a ${open.kind}`);
    // ENOSPC: the user's share of watches is used up.
    if (this.#exhausted() !== 0) return this.#fail(28);
    const view = new DataView(event.buffer);
    const interest = view.getInt32(0, true);
    if ((interest & epollConstants.ET) === 0) this.violated("epoll_ctl: not edge-triggered");
    const poll = open.kind === "listener"
      ? () => open.backlog.length > 0 ? epollConstants.IN : 0
      : () => open.end === undefined ? epollConstants.OUT | epollConstants.HUP : open.end.poll();
    this.#theEpoll = epoll;
    open.watch = epoll.add(poll, { data: view.getInt32(epollEvent.dataAt, true), interest });
    if (open.kind === "socket" && open.end !== undefined) this.#listenTo(open.end, on);
    return 0;
  }

  #listenTo(end: End, fd: number): void {
    const { watch } = this.descriptors.get(fd, "socket", "epoll_ctl");
    end.onChange = () => watch !== undefined && this.#theEpoll?.edge(watch);
  }

  #wait(fd: number, to: Bytes, { most, ms }: { most: number; ms: number }): number {
    const { epoll } = this.descriptors.get(fd, "epoll", "epoll_wait");
    const { dice } = this.#options;
    this.lastWaitMs = ms;
    this.lastEvents = 0;
    if (!Number.isInteger(ms) || ms < 0) this.violated(`epoll_wait: ${ms} ms`);
    if (this.#interrupted()) {
      this.lastEvents = 1;
      return this.#fail(errno.EINTR);
    }
    if (this.#options.faults.meanwhile > 0) epoll.disturb(dice);
    if (this.#view.buffer !== to.buffer) this.#view = new DataView(to.buffer);
    let at = 0;
    const room = dice.chance(100) ? 1 : most;
    this.lastEvents = epoll.wait(room, (events, data) => {
      this.#view.setInt32(at, events, true);
      this.#view.setInt32(at + epollEvent.dataAt, data, true);
      at += epollEvent.bytes;
    });
    return this.lastEvents;
  }

  #recv(fd: number, to: Bytes, { size, flags }: { size: number; flags: number }): number {
    const end = this.#end(fd, "recv");
    if (size > to.length) this.violated("recv: the buffer is shorter than said");
    if (this.#interrupted()) return this.#fail(errno.EINTR);
    if (flags === socketConstants.MSG_PEEK) return this.#result(end.peek(to, size));
    return this.#result(end.read(to, size));
  }

  #send(fd: number, from: Bytes, { size, flags }: { size: number; flags: number }): number {
    const end = this.#end(fd, "send");
    if (size > from.length || size === 0) this.violated(`send: ${size} of ${from.length} bytes`);
    const more = (flags & socketConstants.MSG_MORE) !== 0;
    if ((flags & ~socketConstants.MSG_MORE) !== socketConstants.MSG_NOSIGNAL) {
      this.violated("send: a broken connection would be a signal");
    }
    if (this.#interrupted()) return this.#fail(errno.EINTR);
    if (end.finSent) this.violated("send: behind its own FIN");
    return this.#result(end.write(from, size, { more }));
  }

  #splice(from: number, to: number, { size, flags }: { size: number; flags: number }): number {
    if (flags !== pipeConstants.SPLICE_F_MOVE_NONBLOCK) this.violated("splice: it would block");
    const [source, sink] = [this.descriptors.any(from, "splice"), this.descriptors.any(to, "splice")];
    if (this.#interrupted()) return this.#fail(errno.EINTR);
    const count = splice(source, sink, { size, dice: this.#options.dice });
    return count === undefined ? this.violated(`splice(${from}, ${to}, ${size})`) : this.#result(count);
  }

  #pipe(ends: Bytes, flags: number): number {
    if (flags !== pipeConstants.NONBLOCK_CLOEXEC) this.violated("pipe2: it would block, or outlive exec");
    const number = this.#exhausted();
    if (number !== 0) return this.#fail(number);
    const pipe = { bytes: new ByteQueue(this.#options.dice.between(2, 24)) };
    const view = new Int32Array(ends.buffer, ends.byteOffset, 2);
    view[0] = this.descriptors.add({ kind: "pipe", pipe, end: "read" });
    view[1] = this.descriptors.add({ kind: "pipe", pipe, end: "write" });
    return 0;
  }

  /** What there is room for is not what is said: fragments of packets take more. */
  #sizeOfPipe(fd: number, verb: number, size: number): number {
    const { pipe } = this.descriptors.get(fd, "pipe", "fcntl");
    if (verb === pipeConstants.F_GETPIPE_SZ) return pipe.bytes.capacity;
    if (verb !== pipeConstants.F_SETPIPE_SZ || pipe.bytes.length > 0) this.violated("fcntl: a pipe in use");
    const { dice } = this.#options;
    // EPERM.
    if (dice.chance(200)) return this.#fail(1);
    pipe.bytes = new ByteQueue(dice.chance(500) ? size : dice.between(8, size));
    return size;
  }

  #shutdown(fd: number, how: number): number {
    const end = this.#end(fd, "shutdown");
    if (how !== socketConstants.SHUT_WR || end.finSent) this.violated("shutdown: twice, or both ways");
    this.#interrupted();
    // ENOTCONN.
    return end.finish() ? 0 : this.#fail(107);
  }

  #close(fd: number): number {
    const open = this.descriptors.remove(fd);
    if (open.kind !== "socket" && open.kind !== "listener") return 0;
    if (open.watch !== undefined) this.#theEpoll?.remove(open.watch);
    if (open.kind === "socket") open.end?.close();
    else {
      refuseAll(open);
      this.listener = undefined;
    }
    return 0;
  }
}
