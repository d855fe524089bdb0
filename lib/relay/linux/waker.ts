/** Wakes threads that wait in the kernel. */
import { type Libc, openLibc } from "./libc.ts";

/** For the thread that sends messages to others; opens the C library at the first wake. Disposing closes that. */
export class LinuxWaker implements Disposable {
  readonly #one = new Uint8Array(new BigUint64Array([1n]).buffer);
  #libc: Libc | undefined;

  /** Has the thread with this wake descriptor receive its messages. Never waits. */
  wake(descriptor: number): void {
    this.#libc ??= openLibc();
    // A counter that is full (EAGAIN) has woken it often enough.
    this.#libc.call.write(descriptor, this.#one, this.#one.length);
  }

  [Symbol.dispose](): void {
    this.#libc?.close();
    this.#libc = undefined;
  }
}
