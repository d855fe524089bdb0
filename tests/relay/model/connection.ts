/**
 * TCP as the two sockets of a connection show it, after Linux 6.1 (net/ipv4/tcp.c, tcp_input.c): one `End` each for the
 * engine and for the peer. Calls answer with a count, or with a negative errno.
 */
import { epollConstants, errno } from "../../../lib/relay/linux/libc.ts";
import { ByteQueue, transfer } from "./bytes.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** What the ends of a connection have in common. */
export interface Wire {
  /** Bytes and FINs arrive only when somebody delivers them. */
  held: boolean;
  now(): number;
}

/** One socket of a connection. */
export class End {
  readonly wire: Wire;
  readonly received: ByteQueue;
  readonly unsent: ByteQueue;
  other: End | undefined;
  state: "connecting" | "open" | "dead" = "open";
  /** sk_err: reported once, by whichever call asks first. */
  error = 0;
  /** Called at each change, for the owner; the peers of the engine ask for themselves. */
  onChange: (() => void) | undefined;
  /** The owner has closed its descriptor; the kernel goes on by itself. */
  closed = false;
  finSent = false;
  finDelivered = false;
  finReceived = false;
  /** Facts for whoever checks. */
  readBytes = 0;
  writtenBytes = 0;
  /** Of the bytes read, so many were taken out before the relay; of those written, so many came before it. */
  skippedBytes = 0;
  prefixBytes = 0;
  sentReset = false;
  /** Urgent data came. */
  wasUrgent = false;
  /** A reset came while the owner had it open. */
  wasReset = false;
  resetReceivedAt = Infinity;
  /** A call has reported that the connection is gone, or could have. */
  goneReported = false;
  endRead = false;
  errorTaken = false;
  closedAt = Infinity;
  unsentAtClose = 0;
  lastReadAt = -Infinity;
  lastWrittenAt = -Infinity;
  endReadAt = Infinity;
  /** How many of the bytes in `received` come before an urgent one, which itself counts nowhere. */
  #mark: number | undefined;
  /** Bytes at the end of `unsent` that stay until something comes behind them (MSG_MORE). */
  #keptBack = 0;
  #noSpace = false;
  #unsentAtReset = 0;
  #closesAbortively = false;

  constructor(wire: Wire, { receiveBytes, sendBytes }: { receiveBytes: number; sendBytes: number }) {
    this.wire = wire;
    this.received = new ByteQueue(receiveBytes);
    this.unsent = new ByteQueue(sendBytes);
  }

  get dead(): boolean {
    return this.state === "dead";
  }

  /** Whether the kernel would call it writable: a third of the buffer is free (sk_stream_is_writeable). */
  get writable(): boolean {
    return this.dead || this.finSent || this.unsent.free * 3 >= this.unsent.capacity;
  }

  /** Something is there to be read that no call has reported to the owner yet. */
  get readable(): boolean {
    return this.received.length > 0 ||
      (!this.endRead && (this.finReceived || (this.dead && !this.errorTaken)));
  }

  /** tcp_poll. */
  poll(): number {
    this.goneReported ||= this.dead;
    const deaf = this.finReceived || this.dead;
    let mask = this.error === 0 ? 0 : epollConstants.ERR;
    if (this.dead || (deaf && this.finSent)) mask |= epollConstants.HUP;
    if (deaf) mask |= epollConstants.IN | epollConstants.RDHUP;
    if (this.state === "connecting") return mask;
    if (this.received.length > 0) mask |= epollConstants.IN;
    if (this.#mark !== undefined) mask |= epollConstants.PRI;
    if (this.writable) mask |= epollConstants.OUT;
    else this.#noSpace = true;
    return mask;
  }

  /** How much may be read: a count, 0 for the end, or a negative errno (tcp_recvmsg_locked). Sees past an urgent byte. */
  toRead(): number {
    this.goneReported ||= this.dead;
    if (this.received.length > 0) return Math.min(this.received.length, this.#mark || Infinity);
    if (!this.finReceived) {
      // Whether a call gives way to data that came first, then the error, then the end.
      if (this.error !== 0) {
        this.errorTaken = true;
        return -this.takeError();
      }
      if (!this.dead) return -errno.EAGAIN;
    }
    if (!this.endRead) this.endReadAt = this.wire.now();
    this.endRead = true;
    return 0;
  }

  /** How much may be spliced: not past an urgent byte (tcp_splice_read). */
  toSplice(): number {
    if (this.#mark !== 0) return this.toRead();
    if (this.error !== 0) {
      this.errorTaken = true;
      return -this.takeError();
    }
    return this.finReceived || this.dead ? 0 : -errno.EAGAIN;
  }

  /** How much may be written (tcp_sendmsg_locked). */
  toWrite(): number {
    this.goneReported ||= this.dead;
    if (this.dead || this.finSent) return -(this.takeError() || errno.EPIPE);
    if (this.state === "connecting") return -errno.EAGAIN;
    if (this.unsent.free > 0) return this.unsent.free;
    this.#noSpace = true;
    return -errno.EAGAIN;
  }

  /** After bytes were taken out of `received`. */
  wasRead(size: number): void {
    this.readBytes += size;
    if (this.#mark !== undefined) this.#mark -= size;
    this.lastReadAt = this.wire.now();
    if (!this.wire.held) this.other?.deliver();
  }

  /** After bytes were put into `unsent`; `all`: the writer had no more; `more`: it has said that more will come. */
  wasWritten(size: number, { all, more = false }: { readonly all: boolean; readonly more?: boolean }): void {
    // Where it takes no more, nothing is kept back (tcp_sendmsg_locked: wait_for_space).
    this.#keptBack = more && all ? size : 0;
    this.writtenBytes += size;
    this.lastWrittenAt = this.wire.now();
    if (!all) this.#noSpace = true;
    if (!this.wire.held) this.deliver();
  }

  /** How many bytes a read that takes nothing out would give. */
  get peekableBytes(): number {
    return Math.min(this.received.length, this.#mark || Infinity);
  }

  /** MSG_PEEK. */
  peek(bytes: Bytes, size: number): number {
    const given = Math.min(this.toRead(), size);
    if (given > 0) this.received.peek(bytes, given);
    return given;
  }

  /** Has what was seen of the end before the relay count for nothing. */
  forgetEnd(): void {
    this.endRead = false;
    this.endReadAt = Infinity;
  }

  write(bytes: Bytes, size: number, { more = false } = {}): number {
    const room = this.toWrite();
    if (room < 0) return room;
    const taken = Math.min(room, size);
    this.unsent.push(bytes, taken);
    this.wasWritten(taken, { all: taken === size, more });
    return taken;
  }

  read(bytes: Bytes, size: number): number {
    if (this.#mark === 0) this.#mark = undefined;
    const there = this.toRead();
    if (there <= 0) return there;
    const given = Math.min(there, size);
    this.received.shift(bytes, given);
    this.wasRead(given);
    return given;
  }

  /** TCP_NODELAY: what is kept back leaves. */
  uncork(): void {
    this.#keptBack = 0;
    if (!this.wire.held) this.deliver();
  }

  /** Has an urgent byte arrive behind what was sent; false where there is no room for one now. */
  sendUrgent(): boolean {
    const { other } = this;
    const free = !this.finSent && this.unsent.length === 0 && this.state === "open" && !this.wire.held;
    if (!free || other === undefined || other.closed || other.#mark !== undefined) return false;
    other.wasUrgent = true;
    other.#mark = other.received.length;
    other.onChange?.();
    return true;
  }

  takeError(): number {
    const error = this.error;
    this.error = 0;
    return error;
  }

  /** shutdown(SHUT_WR). False where the connection is gone (ENOTCONN). */
  finish(): boolean {
    const gone = this.dead;
    this.finSent = true;
    if (gone) return false;
    this.onChange?.();
    if (!this.wire.held) this.deliver();
    return true;
  }

  /** SO_LINGER of 0 seconds. */
  setAbortiveClose(): void {
    this.#closesAbortively = true;
  }

  /** SIOCOUTQ; a reset leaves the figure as it was. */
  unacknowledged(): number {
    if (this.dead) return this.#unsentAtReset;
    return this.unsent.length + (this.finSent && !this.finDelivered ? 1 : 0);
  }

  close(): void {
    this.closed = true;
    this.closedAt = this.wire.now();
    this.unsentAtClose = this.unsent.length;
    this.onChange = undefined;
    const over = this.finDelivered && this.finReceived;
    if (this.dead || this.state === "connecting" || over) return;
    const unread = this.received.length > 0 || this.#mark !== undefined;
    if (unread || this.#closesAbortively) return this.#sendReset();
    this.unsentAtClose = 0;
    this.finSent = true;
    if (!this.wire.held) this.deliver();
  }

  /** The network brings bytes, and then the FIN, to the other end; at most so many bytes. */
  deliver(most = Infinity): void {
    const other = this.other;
    if (other === undefined || this.state !== "open" || this.finDelivered) return;
    if (this.unsent.length > 0 && other.closed) return other.#sendReset();
    const mayLeave = this.unsent.length - (this.finSent ? 0 : this.#keptBack);
    const size = Math.min(mayLeave, other.received.free, most);
    if (size > 0) {
      transfer(this.unsent, other.received, size);
      other.onChange?.();
      if (this.#noSpace && this.writable) {
        this.#noSpace = false;
        this.onChange?.();
      }
    }
    if (this.unsent.length > 0 || !this.finSent) return;
    this.finDelivered = true;
    other.finReceived = true;
    other.onChange?.();
  }

  #sendReset(): void {
    this.state = "dead";
    this.sentReset = true;
    this.unsent.clear();
    this.other?.resetArrives();
  }

  /** tcp_reset. */
  private resetArrives(): void {
    if (this.dead || (this.finDelivered && this.finReceived)) return;
    // CLOSE_WAIT: the peer had finished in good order before.
    this.error = this.finReceived && !this.finSent ? errno.EPIPE : errno.ECONNRESET;
    this.#unsentAtReset = this.unacknowledged();
    this.state = "dead";
    this.resetReceivedAt = this.wire.now();
    this.wasReset = !this.closed;
    this.unsent.clear();
    this.onChange?.();
  }

  /** How the network or the other side answers a connection attempt: 0 or an errno. */
  answer(error: number): void {
    if (this.closed) return;
    this.state = error === 0 ? "open" : "dead";
    this.error = error;
    this.onChange?.();
  }
}
