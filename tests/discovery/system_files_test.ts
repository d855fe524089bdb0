/** The resolver as a program of its own has it: this system's files, port 53, the permissions of the sandboxed binary. */
import assert from "node:assert/strict";
import { eventually, within } from "../support/eventually.ts";
import { loopbackAddress, NameWorld, noNameWorlds } from "../support/name_world.ts";
import { StubDns, withAddresses } from "../support/stub_dns.ts";

const root = new URL("../../", import.meta.url);

/** Runs a module's text with the permissions that lb has everywhere, inside a world, and gives what it prints. */
async function runInside(
  world: NameWorld,
  text: string,
  permissions = ["--allow-net", "--allow-read"],
): Promise<string> {
  const folder = await Deno.makeTempDir({ prefix: "lb-names-program-" });
  try {
    const path = `${folder}/program.ts`;
    await Deno.writeTextFile(path, text);
    const config = ["--config", new URL("deno.json", root).pathname, "--frozen", "--no-check"];
    const command = [Deno.execPath(), "run", "--no-prompt", ...permissions, ...config, path];
    const [first, ...args] = [...world.inside, ...command];
    const output = await within(
      "the end of the program",
      new Deno.Command(first!, { args, stdin: "null", stdout: "piped", stderr: "piped" }).output(),
    );
    assert(output.success, new TextDecoder().decode(output.stderr));
    return new TextDecoder().decode(output.stdout);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const importResolver = `import { systemResolver } from ${
  JSON.stringify(new URL("lib/discovery/resolver.ts", root).href)
};`;

const systemTest = (name: string, fn: () => Promise<void>) =>
  Deno.test({ name, ignore: noNameWorlds !== undefined, fn });

systemTest(
  "this system's hosts file and name server are asked, with no other permission than net and read",
  async () => {
    const hostname = loopbackAddress();
    await using dns = new StubDns(withAddresses("10.0.0.7", "2001:db8::7"), { hostname, port: 53 });
    using world = new NameWorld({
      hosts: "127.0.0.2 pair.test\n127.0.0.3 pair.test\n",
      resolvConf: `nameserver ${hostname}\nsearch corp.test\n`,
    });
    const printed = await runInside(
      world,
      `${importResolver}
    const resolver = systemResolver();
    const forever = new AbortController().signal;
    const hosts = ["pair.test", "app"];
    console.log(JSON.stringify(await Promise.all(hosts.map((host) => resolver.lookup(host, forever)))));`,
    );
    assert.deepEqual(JSON.parse(printed), [
      { kind: "found", addresses: ["127.0.0.2", "127.0.0.3"] },
      { kind: "found", addresses: ["10.0.0.7", "2001:db8::7"] },
    ]);
    assert.deepEqual(new Set(dns.asked.map(({ name }) => name)), new Set(["app.corp.test"]));
  },
);

systemTest("lookups that wait for a silent name server occupy no thread", async () => {
  const hostname = loopbackAddress();
  await using dns = new StubDns(() => "silent", { hostname, port: 53 });
  using world = new NameWorld({ hosts: "127.0.0.2 known.test\n", resolvConf: `nameserver ${hostname}\n` });
  const running = runInside(
    world,
    `${importResolver}
    const threads = () => /^Threads:\\s*(\\d+)/m.exec(Deno.readTextFileSync("/proc/self/status"))[1];
    const resolver = systemResolver();
    const giveUp = new AbortController();
    const before = threads();
    const lookups = Array.from({ length: 50 }, (_, n) => resolver.lookup("silent" + n + ".test", giveUp.signal));
    // The system's files stay readable, and timers and sockets at work, however many wait.
    const known = await resolver.lookup("known.test", giveUp.signal);
    await new Promise((resolve) => setTimeout(resolve, 300));
    const during = threads();
    giveUp.abort();
    const kinds = new Set((await Promise.all(lookups)).map(({ kind }) => kind));
    console.log(JSON.stringify({ known, before, during, kinds: [...kinds] }));`,
    ["--allow-all"],
  );
  await eventually("all the questions", () => dns.asked.length >= 100);
  const { known, before, during, kinds } = JSON.parse(await running);
  assert.deepEqual(known, { kind: "found", addresses: ["127.0.0.2"] });
  // getaddrinfo would take one for each, up to the 32 of the pool; the runtime itself starts one or two when it likes.
  assert(Number(during) - Number(before) < 5, `${before} threads before, ${during} while 50 lookups wait`);
  assert.deepEqual(kinds, ["failed"]);
});
