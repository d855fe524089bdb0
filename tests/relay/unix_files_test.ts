import assert from "node:assert/strict";
import type { Acceptor, Engine } from "../../lib/relay/engine.ts";
import { linuxEngine } from "../../lib/relay/linux/engine.ts";
import { openLibc } from "../../lib/relay/linux/libc.ts";
import { Reactor } from "../../lib/relay/linux/reactor.ts";
import { portableEngine } from "../../lib/relay/portable/engine.ts";

const isLinux = Deno.build.os === "linux";

/** Opens the linux engine; nothing here waits for an event, so nobody polls its reactor. */
function openLinux(): Engine & Disposable {
  const reactor = new Reactor(openLibc());
  const engine = linuxEngine({ reactor });
  return {
    ...engine,
    [Symbol.dispose]() {
      engine[Symbol.dispose]();
      reactor[Symbol.dispose]();
    },
  };
}

const openers: readonly (readonly [name: string, open: () => Engine & Disposable])[] = [
  ["portable", () => ({ ...portableEngine(), [Symbol.dispose]() {} })],
  ...isLinux ? [["linux", openLinux] as const] : [],
];

function listenAt(engine: Engine, path: string): Acceptor {
  return engine.listen({ kind: "unix", path }, { shared: false, onError: () => {} });
}

async function exists(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(() => true, () => false);
}

for (const [name, open] of openers) {
  const test = (what: string, run: (engine: Engine, path: string) => Promise<void>) =>
    Deno.test(`${name}: ${what}`, async () => {
      const folder = await Deno.makeTempDir({ prefix: "lb-" });
      try {
        using engine = open();
        await run(engine, `${folder}/listener.sock`);
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    });

  test("the file of a unix socket goes with its listener", async (engine, path) => {
    const acceptor = listenAt(engine, path);
    assert.ok(await exists(path));
    acceptor[Symbol.dispose]();
    assert.ok(!await exists(path));
  });

  test("the file of a unix socket goes with a listener on which somebody waits", async (engine, path) => {
    const acceptor = listenAt(engine, path);
    const waiting = acceptor.accept();
    acceptor[Symbol.dispose]();
    assert.equal(await waiting, undefined);
    // Deno ends the accept under way before it lets go of the file.
    await new Promise((resolve) => setTimeout(resolve));
    assert.ok(!await exists(path));
  });

  test("the file of a unix socket goes with a listener that is drained", async (engine, path) => {
    using acceptor = listenAt(engine, path);
    await acceptor.drain();
    assert.ok(!await exists(path));
  });

  test("a listener whose file is gone already is closed all the same", async (engine, path) => {
    using acceptor = listenAt(engine, path);
    await Deno.remove(path);
    acceptor[Symbol.dispose]();
    assert.ok(!await exists(path));
  });
}

Deno.test({
  name: "linux: a file that somebody else has put where a listener's was stays",
  ignore: !isLinux,
  async fn() {
    const folder = await Deno.makeTempDir({ prefix: "lb-" });
    const path = `${folder}/listener.sock`;
    using engine = openLinux();
    const acceptor = listenAt(engine, path);
    await Deno.remove(path);
    using other = listenAt(engine, path);
    acceptor[Symbol.dispose]();
    assert.ok(await exists(path));
    other[Symbol.dispose]();
    await Deno.remove(folder, { recursive: true });
  },
});
