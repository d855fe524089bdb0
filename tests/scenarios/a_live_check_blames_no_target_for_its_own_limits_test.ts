/** `lb check --live` with more targets than descriptors. */
import assert from "node:assert/strict";
import { lbCommand } from "../support/lb.ts";
import { ReservedPort } from "../support/reserved_port.ts";
import { echo, Target } from "../support/target.ts";
import { TextFile } from "../support/text_file.ts";
import { yaml } from "../support/yaml.ts";

/** Every one an address of its own on the loopback, and the same port. */
const targets = 1_000;
const nofile = 512;

Deno.test({
  name: "1,000 targets are probed with 512 descriptors, and only the one that is down fails",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using target = new Target(echo, { hostname: "0.0.0.0" });
    using closed = new ReservedPort();
    const port = target.address.split(":")[1];
    const addresses = Array.from({ length: targets }, (_, n) => `127.0.${n >> 8}.${n & 255}:${port}`).slice(
      1,
    );
    await using file = await TextFile.write(
      yaml({ targets: [...addresses, closed.address], pool: "health: { check: tcp, timeout: 20s }" }),
    );
    const [command, words] = lbCommand(["check", "--live", "--json", "-c", file.path]);
    const { code, stdout, stderr } = await new Deno.Command("prlimit", {
      args: [`--nofile=${nofile}:${nofile}`, command, ...words],
      stdin: "null",
    }).output();
    assert.equal(code, 1, new TextDecoder().decode(stderr));
    const { live } = JSON.parse(new TextDecoder().decode(stdout));
    assert.equal(live.length, 1 + targets);
    assert.deepEqual(live.filter(({ ok }: { ok: boolean }) => !ok), [
      { what: `target app/${closed.address}`, ok: false, detail: "connection refused" },
    ]);
  },
});
