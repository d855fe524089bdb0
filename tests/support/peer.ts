import assert from "node:assert/strict";
import { wholeBelow } from "./payload.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** A client or a target, as the other side of what is tested. Disposing closes it; twice is harmless. */
export interface Peer extends Disposable {
  read(into: Bytes): Promise<number | null>;
  write(bytes: Bytes): Promise<number>;
  closeWrite(): Promise<void>;
  /** Closes with an RST. */
  reset(): void;
}

/** Writes all of it, in chunks of random sizes when told by what. */
export async function sendAll(peer: Peer, bytes: Bytes, random?: () => number): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    const size = random === undefined ? bytes.length : 1 + wholeBelow(200_000, random);
    at += await peer.write(bytes.subarray(at, at + size));
  }
}

/** Writes all of it, then a FIN. */
export async function sendAndFinish(peer: Peer, bytes: Bytes, random?: () => number): Promise<void> {
  await sendAll(peer, bytes, random);
  await peer.closeWrite();
}

/** What came and how it ended. */
export interface Received {
  readonly bytes: Bytes;
  readonly end: "eof" | "reset";
}

/** Reads to the end, whatever the end is. */
export async function receive(peer: Peer): Promise<Received> {
  const chunks: Bytes[] = [];
  const buffer = new Uint8Array(64 * 1024);
  try {
    for (let size = await peer.read(buffer); size !== null; size = await peer.read(buffer)) {
      chunks.push(buffer.slice(0, size));
    }
    return { bytes: joined(chunks), end: "eof" };
  } catch (error) {
    if (!(error instanceof Deno.errors.ConnectionReset)) throw error;
    return { bytes: joined(chunks), end: "reset" };
  }
}

/** Reads to a clean end of input; a reset is an error. */
export async function receiveAll(peer: Peer): Promise<Bytes> {
  const { bytes, end } = await receive(peer);
  assert.equal(end, "eof", `the connection was reset after ${bytes.length} bytes`);
  return bytes;
}

/** Reads exactly so many bytes. */
export async function receiveExactly(peer: Peer, size: number): Promise<Bytes> {
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size;) {
    const got = await peer.read(bytes.subarray(at));
    assert(got !== null, `the input ended after ${at} of ${size} bytes`);
    at += got;
  }
  return bytes;
}

/** Fails, without printing megabytes, when two byte strings differ. */
export function assertSameBytes(actual: Bytes, expected: Bytes): void {
  assert.equal(actual.length, expected.length, "another number of bytes arrived");
  assertPrefix(actual, expected);
}

/** Fails when what arrived is not how the whole begins. */
export function assertPrefix(actual: Bytes, whole: Bytes): void {
  assert(actual.length <= whole.length, `${actual.length} bytes arrived of ${whole.length}`);
  const wrong = actual.findIndex((byte, at) => byte !== whole[at]);
  assert.equal(wrong, -1, `byte ${wrong} is another one than was sent`);
}

/** Keeps writing until the peer takes no more or the connection ends; resolves to how many bytes were taken. */
export async function sendUntilEnd(peer: Peer, mostBytes: number): Promise<number> {
  const chunk = new Uint8Array(64 * 1024);
  let taken = 0;
  try {
    while (taken < mostBytes) taken += await peer.write(chunk);
  } catch {
    // However the connection ended, this is how much it took.
  }
  return taken;
}

function joined(chunks: readonly Bytes[]): Bytes {
  const whole = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}
