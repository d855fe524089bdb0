/** `lb check --live` with more targets than descriptors. */
import assert from "node:assert/strict";
import { lbCommand } from "../support/lb.ts";
import { ReservedPort } from "../support/reserved_port.ts";
import { echo, Target } from "../support/target.ts";
import { TextFile } from "../support/text_file.ts";
import { yaml } from "../support/yaml.ts";

/** Every one an address of its own on the loopback, and the same port. */
const targets = 1_000;

interface Checked {
  readonly code: number;
  readonly failed: readonly { readonly what: string; readonly ok: boolean; readonly detail: string }[];
}

/** Checks a configuration with so many targets that serve, and one that is down. */
async function check(nofile: number, down: string): Promise<Checked> {
  await using target = new Target(echo, { hostname: "0.0.0.0" });
  const port = target.address.split(":")[1];
  const serving = Array.from({ length: targets }, (_, n) => `127.0.${n >> 8}.${n & 255}:${port}`).slice(1);
  await using file = await TextFile.write(
    yaml({ targets: [...serving, down], pool: "health: { check: tcp, timeout: 20s }" }),
  );
  const [command, words] = lbCommand(["check", "--live", "--json", "-c", file.path]);
  const { code, stdout, stderr } = await new Deno.Command("prlimit", {
    args: [`--nofile=${nofile}:${nofile}`, command, ...words],
    stdin: "null",
    // Deno itself warns where it has no descriptor left to read these.
    env: { NODE_EXTRA_CA_CERTS: "" },
  }).output();
  assert.equal(new TextDecoder().decode(stderr), "");
  const { live } = JSON.parse(new TextDecoder().decode(stdout));
  assert.equal(live.length, 1 + targets);
  return { code, failed: live.filter(({ ok }: { ok: boolean }) => !ok) };
}

const ignore = Deno.build.os !== "linux";

Deno.test({
  name: "1,000 targets are probed with 512 descriptors, and only the one that is down fails",
  ignore,
  async fn() {
    using closed = new ReservedPort();
    const { code, failed } = await check(512, closed.address);
    assert.equal(code, 1);
    assert.deepEqual(failed, [
      { what: `target app/${closed.address}`, ok: false, detail: "connection refused" },
    ]);
  },
});

Deno.test({
  name: "with hardly a descriptor to probe with, what fails for that is said to be no fault of the target",
  ignore,
  async fn() {
    using closed = new ReservedPort();
    for (const nofile of [64, 80]) {
      const { failed } = await check(nofile, closed.address);
      const own = new Set(["connection refused", "cannot be tried from here: no free file descriptor"]);
      assert.deepEqual(failed.filter(({ detail }) => !own.has(detail)), []);
    }
  },
});
