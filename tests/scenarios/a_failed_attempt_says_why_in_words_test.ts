/** Why a connect failed, as the log has it at level debug, and what the close record says. */
import assert from "node:assert/strict";
import { assertRefused, exchange } from "../support/client.ts";
import { RunningLb } from "../support/lb.ts";
import { loopbackAddress, NameWorld, noNameWorlds } from "../support/name_world.ts";
import { testWith } from "../support/needs.ts";
import { ReservedPort } from "../support/reserved_port.ts";
import { echo, Target } from "../support/target.ts";

const configFor = (targets: readonly string[], pool: { readonly [key: string]: unknown } = {}) =>
  JSON.stringify({
    process: { workers: 1 },
    admin: "none",
    log: { level: "debug", access: "all" },
    defaults: { timeouts: { connect: "300ms" } },
    listeners: { web: { bind: "127.0.0.1:0", pool: "app" } },
    pools: { app: { algorithm: "first", targets, health: "none", ...pool } },
  });

Deno.test("an attempt that is refused says so in the log and in the record of the session, which another target serves", async () => {
  using refusing = new ReservedPort();
  await using target = new Target(echo);
  await using lb = await RunningLb.start(configFor([refusing.address, target.address]));

  assert.equal(await exchange(lb.port(), "hello"), "hello");

  const line = await lb.line(({ level, session }) => level === "debug" && session !== undefined);
  assert.match(
    String(line.message),
    new RegExp(`^session \\S+: app/${refusing.address} failed: connect_refused, [\\d.]+ ms$`),
  );
  assert.deepEqual([line["error"], line["detail"]], ["connect_refused", "connection refused"]);
  const record = await lb.line((line) => "reason" in line && "attempts" in line);
  assert.equal(record["id"], line["session"]);
  assert.ok(
    lb.lines.indexOf(line) < lb.lines.indexOf(record),
    "an attempt stands before the end of its session",
  );
  assert.deepEqual(
    (record["attempts"] as { target: string; error: string | null }[]).map((
      { target, error },
    ) => [target, error]),
    [[refusing.address, "connect_refused"], [target.address, null]],
  );
});

Deno.test("an attempt on an address that cannot be reached says why in words, without a number of the system", async () => {
  // Linux lets nobody connect to the address of a network (EACCES), nor to one of another scope (EINVAL, ENETUNREACH).
  await using lb = await RunningLb.start(configFor(["255.255.255.255:9", "[fe80::1]:9"]));

  await assertRefused(lb.port());

  const lines = await lb.until(() => {
    const attempts = lb.lines.filter(({ level, session }) => level === "debug" && session !== undefined);
    return attempts.length === 2 ? attempts : undefined;
  });
  for (const { message, detail } of lines) {
    assert.match(String(detail), /^[a-z][a-z' ]+$/i, String(message));
    assert.doesNotMatch(String(message), /errno|os error|E[A-Z]{4,}/);
  }
});

testWith(
  { obstacle: noNameWorlds },
  "a name that is not found says so in the log when its target goes down, and in no attempt",
  async () => {
    await using target = new Target(echo);
    using world = new NameWorld({
      hosts: "127.0.0.1 localhost\n",
      resolvConf: `nameserver ${loopbackAddress()}\noptions timeout:1 attempts:1\n`,
    });
    await using lb = await RunningLb.start(configFor(["nobody.test:9", target.address]), {
      prefix: world.inside,
    });
    await lb.line(({ message }) =>
      /^target app\/nobody\.test:9 is down, was checking: (not looked up yet|no name server answers)/.test(
        message ?? "",
      )
    );

    assert.equal(await exchange(lb.port(), "hello"), "hello");

    const record = await lb.line((line) => "reason" in line && "attempts" in line);
    assert.deepEqual((record["attempts"] as { target: string }[]).map(({ target }) => target), [
      target.address,
    ]);
  },
);
