import assert from "node:assert/strict";
import { openLibc } from "../../lib/relay/linux/libc.ts";
import { defaultPacketBytes, Pipes } from "../../lib/relay/linux/pipes.ts";
import { Reactor } from "../../lib/relay/linux/reactor.ts";

const ignore = Deno.build.os !== "linux";

Deno.test({
  name:
    "a chunk is one packet of whole segments, or two of whole pages where a segment is as large as a packet",
  ignore,
  fn() {
    using reactor = new Reactor(openLibc());
    using pipes = new Pipes(reactor, defaultPacketBytes);
    const chunks = [0, 536, 1_448, 8_948, 32_607, 32_608, 65_483].map((bytes) => pipes.chunkBytes(bytes));
    assert.deepEqual(chunks, [122_880, 121 * 536, 45 * 1_448, 7 * 8_948, 65_214, 122_880, 122_880]);
  },
});

Deno.test({
  name:
    "a pipe is enlarged once, to two packets, and kept for the next transfer; one that may not grow has room for one",
  ignore,
  fn() {
    const libc = openLibc();
    const enlarged: number[] = [];
    let mayGrow = true;
    const fcntl: typeof libc.call.fcntl = (pipe, verb, size) => {
      if (size !== 0) enlarged.push(size);
      if (size !== 0 && !mayGrow) return -1;
      return libc.call.fcntl(pipe, verb, size);
    };
    using reactor = new Reactor({ ...libc, call: { ...libc.call, fcntl } });
    using pipes = new Pipes(reactor, defaultPacketBytes);
    const pipe = pipes.acquire()!;
    pipes.release(pipe);
    assert.deepEqual([pipes.acquire(), enlarged], [pipe, [2 * defaultPacketBytes]]);
    mayGrow = false;
    const small = pipes.acquire()!;
    assert.deepEqual([small === undefined, enlarged.length], [false, 2]);
    for (const each of [pipe, small]) pipes.close(each);
  },
});
