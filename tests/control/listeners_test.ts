import assert from "node:assert/strict";
import { bindFailure, overlaps, removeStale, whyTaken } from "../../lib/control/listeners.ts";
import type { Bind } from "../../lib/dataplane/messages.ts";
import type { SocketAddress } from "../../lib/values/address.ts";
import { eventually } from "../support/eventually.ts";

const isLinux = Deno.build.os === "linux";

/** No other test listens there, where there is more than one loopback address. */
const host = isLinux ? "127.77.3.2" : "127.0.0.1";

function tcp(host: string, port: number): SocketAddress {
  return { kind: "tcp", host, port };
}

function bind(address: SocketAddress): Bind {
  return { key: "", address, shared: true };
}

/** A folder for socket files, removed at the end. */
class Folder implements Disposable {
  readonly path = Deno.makeTempDirSync({ prefix: "lb-binds-" });

  address(name: string): { kind: "unix"; path: string } {
    return { kind: "unix", path: `${this.path}/${name}` };
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.path, { recursive: true });
  }
}

/** Leaves the file of a socket that nobody listens on any more, as a process does that was killed. */
async function leaveStale(path: string): Promise<void> {
  const code = `Deno.listen({ transport: "unix", path: ${
    JSON.stringify(path)
  } }); console.log("listening"); await new Promise(() => setInterval(() => {}, 1e6));`;
  const child = new Deno.Command(Deno.execPath(), { args: ["eval", "--no-config", code], stdout: "piped" })
    .spawn();
  const reader = child.stdout.getReader();
  await reader.read();
  child.kill("SIGKILL");
  await child.status;
  await reader.cancel();
}

Deno.test("an address that somebody listens on is taken, and free again afterwards", async () => {
  const listener = Deno.listen({ hostname: host, port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  const failure = await whyTaken(tcp(host, port));
  listener.close();
  assert.equal(failure?.code, "EADDRINUSE");
  // A child of another test, between its fork and its exec, has the listener open for some milliseconds more.
  await eventually("a free address", async () => await whyTaken(tcp(host, port)) === undefined);
});

Deno.test("a port that another process would share is taken all the same", { ignore: !isLinux }, async () => {
  using listener = Deno.listen({ hostname: host, port: 0, reusePort: true });
  const { port } = listener.addr as Deno.NetAddr;
  assert.equal((await whyTaken(tcp(host, port)))?.code, "EADDRINUSE");
});

Deno.test("port 0 is never taken, and an address of another machine always", async () => {
  assert.equal(await whyTaken(tcp("127.0.0.1", 0)), undefined);
  assert.equal((await whyTaken(tcp("192.0.2.1", 1_234)))?.code, "EADDRNOTAVAIL");
});

Deno.test("a path where nothing is is free, and stays empty", async () => {
  using folder = new Folder();
  assert.equal(await whyTaken(folder.address("a.sock")), undefined);
  await removeStale(folder.address("a.sock"));
  assert.deepEqual([...Deno.readDirSync(folder.path)], []);
});

Deno.test("a socket that somebody answers on is taken, and its file is never removed", async () => {
  using folder = new Folder();
  const address = folder.address("a.sock");
  using listener = Deno.listen({ transport: "unix", path: address.path });
  assert.deepEqual(await whyTaken(address), { code: "EADDRINUSE", message: "somebody answers there" });
  await removeStale(address);
  assert.ok(Deno.lstatSync(address.path).isSocket);
  using client = await Deno.connect({ transport: "unix", path: address.path });
  // The calls before have connected as well, to find out that somebody answers.
  for (let index = 0; index < 3; index++) (await listener.accept()).close();
  assert.equal(await client.read(new Uint8Array(1)), null);
});

Deno.test("the file of a socket whose process was killed is free and is removed", async () => {
  using folder = new Folder();
  const address = folder.address("a.sock");
  await leaveStale(address.path);
  assert.ok(Deno.lstatSync(address.path).isSocket);
  assert.equal(await whyTaken(address), undefined);
  assert.ok(Deno.lstatSync(address.path).isSocket, "to ask changes nothing");
  await removeStale(address);
  assert.deepEqual([...Deno.readDirSync(folder.path)], []);
});

Deno.test("a file that is no socket is taken and never removed, nor is what a link leads to", async () => {
  using folder = new Folder();
  const address = folder.address("a.sock");
  Deno.writeTextFileSync(address.path, "precious");
  Deno.symlinkSync(address.path, `${folder.path}/link`);
  for (const each of [address, folder.address("link")]) {
    assert.equal((await whyTaken(each))?.message, "something that is not a socket is there");
    await removeStale(each);
  }
  assert.equal(Deno.readTextFileSync(address.path), "precious");
});

Deno.test("a tcp address has no file to remove", async () => {
  await removeStale(tcp("127.0.0.1", 1));
});

Deno.test("an address for all hosts is in the way of any other on its port, and they of it", () => {
  const cases: [string, SocketAddress, SocketAddress, boolean][] = [
    ["0.0.0.0 and one host", tcp("0.0.0.0", 80), tcp("127.0.0.1", 80), true],
    ["one host and [::]", tcp("127.0.0.1", 80), tcp("::", 80), true],
    ["both for all hosts", tcp("0.0.0.0", 80), tcp("::", 80), true],
    ["another port", tcp("0.0.0.0", 80), tcp("127.0.0.1", 81), false],
    ["two hosts", tcp("127.0.0.1", 80), tcp("127.0.0.2", 80), false],
    ["a unix socket", tcp("0.0.0.0", 80), { kind: "unix", path: "/run/a" }, false],
    ["of a unix socket", { kind: "unix", path: "/run/a" }, tcp("0.0.0.0", 80), false],
  ];
  for (const [name, one, other, expected] of cases) {
    assert.equal(overlaps(bind(one), [bind(tcp("10.0.0.1", 9)), bind(other)]), expected, name);
  }
  assert.equal(overlaps(bind(tcp("0.0.0.0", 80)), []), false);
});

Deno.test("whatever a bind throws has words", () => {
  assert.deepEqual(bindFailure("broken"), { code: undefined, message: "broken" });
  assert.equal(bindFailure(new Error("a reason")).message, "a reason");
});
