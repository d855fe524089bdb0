import assert from "node:assert/strict";
import { openLibc } from "../../lib/relay/linux/libc.ts";
import { defaultPacketBytes, Pipes } from "../../lib/relay/linux/pipes.ts";
import { Reactor } from "../../lib/relay/linux/reactor.ts";

const ignore = Deno.build.os !== "linux";

Deno.test({
  name: "a chunk is one packet: of whole segments, or of whole pages where a segment is as large as a packet",
  ignore,
  fn() {
    using reactor = new Reactor(openLibc());
    using pipes = new Pipes(reactor, defaultPacketBytes);
    const chunks = [0, 536, 1_448, 8_948, 32_607, 32_608, 65_483].map((bytes) => pipes.chunkBytes(bytes));
    assert.deepEqual(chunks, [61_440, 121 * 536, 45 * 1_448, 7 * 8_948, 65_214, 61_440, 61_440]);
  },
});

Deno.test({
  name: "a pipe has room for a chunk without being enlarged, and is kept for the next one",
  ignore,
  fn() {
    const libc = openLibc();
    const enlarged: number[] = [];
    const fcntl: typeof libc.call.fcntl = (pipe, verb, size) => {
      if (size !== 0) enlarged.push(size);
      return libc.call.fcntl(pipe, verb, size);
    };
    using reactor = new Reactor({ ...libc, call: { ...libc.call, fcntl } });
    using pipes = new Pipes(reactor, defaultPacketBytes);
    const pipe = pipes.acquire()!;
    pipes.release(pipe);
    assert.deepEqual([pipes.acquire(), enlarged], [pipe, []]);
    pipes.close(pipe);
  },
});
