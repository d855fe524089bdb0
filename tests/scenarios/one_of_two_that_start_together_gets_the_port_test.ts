/** Two lb with one port, started in the same moment. */
import assert from "node:assert/strict";
import { BareLb } from "../support/bare_lb.ts";
import { exchange } from "../support/client.ts";
import { within } from "../support/eventually.ts";
import { ReservedPort } from "../support/reserved_port.ts";
import { times } from "../support/soak.ts";
import { named, Target } from "../support/target.ts";
import { TextFile } from "../support/text_file.ts";
import { yaml } from "../support/yaml.ts";

const pairs = times({ short: 5, long: 20 });

/** The end of a start: the pools are the last thing that is told of it. */
const begun = /"algorithm"|"level":"error"/;

async function startTogether(bind: string): Promise<void> {
  const address = bind.startsWith("unix:") ? undefined : Number(bind.slice(bind.lastIndexOf(":") + 1));
  const hostname = bind.slice(0, bind.lastIndexOf(":"));
  await using targets = new Group([new Target(named("one")), new Target(named("two"))]);
  await using lbs = new Group(
    await Promise.all(
      targets.members.map((target) => BareLb.start(yaml({ bind, targets: [target.address] }))),
    ),
  );
  await Promise.all(lbs.members.map((lb) => lb.read(begun)));

  const losers = lbs.members.filter(({ log }) => log.includes('"level":"error"'));
  assert.equal(losers.length, 1, lbs.members.map(({ log }) => log).join("\n---\n"));
  const [loser] = losers;
  assert.equal(await loser!.ended(), 1);
  await loser!.read(/nothing more/);
  assert.match(
    loser!.log,
    new RegExp(
      `listener web cannot listen on ${bind}: (address in use|somebody answers there); stop what holds it`,
    ),
  );
  const winner = lbs.members[0] === loser ? "two" : "one";
  if (address === undefined) return assert.equal(await receivedFrom(bind.slice("unix:".length)), winner);
  for (let client = 0; client < 20; client++) assert.equal(await exchange(address, "-", hostname), winner);
}

Deno.test(`of two lb that start in the same moment on one port exactly one serves, ${pairs} times`, async () => {
  for (let pair = 0; pair < pairs; pair++) {
    using port = new ReservedPort();
    await startTogether(port.address);
  }
});

Deno.test("of two lb that start in the same moment on one unix socket exactly one serves, twice", async () => {
  for (let pair = 0; pair < 2; pair++) {
    await using file = await TextFile.write("");
    await startTogether(`unix:${file.folder}/lb.sock`);
  }
});

async function receivedFrom(path: string): Promise<string> {
  using conn = await Deno.connect({ transport: "unix", path });
  const buffer = new Uint8Array(16);
  const size = await within("an answer", conn.read(buffer));
  return new TextDecoder().decode(buffer.subarray(0, size ?? 0));
}

/** Things that are disposed together. */
class Group<Member extends AsyncDisposable> implements AsyncDisposable {
  readonly members: readonly Member[];

  constructor(members: readonly Member[]) {
    this.members = members;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.members.map((member) => member[Symbol.asyncDispose]()));
  }
}
