/** Calls threads that wait in the kernel. */
import { type Libc, openLibc } from "./libc.ts";

/** For the thread that sends messages to others; opens the C library at the first call. */
export class Waker implements Disposable {
  readonly #one = new Uint8Array(new BigUint64Array([1n]).buffer);
  #libc: Libc | undefined;

  /** Has the thread with this descriptor look after its messages. Never waits. */
  wake(descriptor: number): void {
    this.#libc ??= openLibc();
    // A counter that is full (EAGAIN) has been called often enough.
    this.#libc.call.write(descriptor, this.#one, this.#one.length);
  }

  [Symbol.dispose](): void {
    this.#libc?.close();
    this.#libc = undefined;
  }
}
