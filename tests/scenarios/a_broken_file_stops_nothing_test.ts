/** Row 41 of the acceptance table: reloads of files that are none, and clients all the while. */
import assert from "node:assert/strict";
import { ClientStream } from "../support/client_stream.ts";
import { figure } from "../support/figure.ts";
import { isVerdict, RunningLb } from "../support/lb.ts";
import { outputOf } from "../support/command.ts";
import { named, Target } from "../support/target.ts";
import { assertReloaded, fronts } from "./fronts.ts";

const MiB = 1024 * 1024;

/** How long a reload may take here; the figure of the table, 500 ms, is for a machine that does nothing else. */
const maxReloadMs = 10_000;

/** The hundred first mistakes, how many more there are, and the verdict. */
const maxLines = 102;

/** A file, or what stands in its place, and what the first line of the log says of it, behind its path. */
interface Broken {
  readonly what: string;
  readonly put: (path: string) => Promise<unknown>;
  readonly says: RegExp;
}

const text = (what: string, content: string | Uint8Array, says: RegExp): Broken => ({
  what,
  put: (path) =>
    typeof content === "string" ? Deno.writeTextFile(path, content) : Deno.writeFile(path, content),
  says,
});

const good = fronts({
  listeners: { web: ["127.0.0.1:0", "app"] },
  pools: { app: [{ address: "127.0.0.1:9" }] },
});
const smallest =
  `listeners: { web: { bind: "127.0.0.1:0", pool: app } }\npools: { app: { targets: ["127.0.0.1:9"] } }\n`;

const files: readonly Broken[] = [
  text("a syntax mistake", "listeners: [\n", /:\d+:\d+: /),
  text("a tab for indentation", "listeners:\n\tweb: {}\n", /:2:1: /),
  text("half of a file", good.slice(0, good.length / 2), /:1:\d+: /),
  text(
    "half of a block file",
    "listeners:\n  web:\n    bind: 127.0.0.1:0\n    pool: ap",
    /:1:1 pools: nothing is written here/,
  ),
  text("an unknown key", `${smallest}defauts: {}\n`, /:3:1 defauts: .*defaults/),
  text(
    "an unknown word",
    smallest.replace(`{ targets`, `{ algorithm: leest, targets`),
    /:2:28 pools\.app\.algorithm: "leest"/,
  ),
  text("a key twice", `${smallest}pools: {}\n`, /:3:1 ?.*pools/),
  text(
    "a number out of range",
    `process: { workers: 100000 }\n${smallest}`,
    /:1:21 process\.workers: 100000/,
  ),
  text(
    "a variable that is not set",
    `log: { level: "\${NO_SUCH_VARIABLE}" }\n${smallest}`,
    /:1:15 log\.level: .*NO_SUCH_VARIABLE/,
  ),
  text(
    "an address bound twice",
    `listeners: { a: { bind: "127.0.0.1:9", pool: app }, b: { bind: "127.0.0.1:9", pool: app } }\npools: { app: { targets: ["127.0.0.1:9"] } }\n`,
    /:1:64 listeners\.b\.bind: .*already bound/,
  ),
  text("an alias bomb", bomb(), /:\d+:\d+/),
  text("an alias that contains itself", `${smallest}defaults: &all { timeouts: *all }\n`, /:3:\d+/),
  text("100,000 levels", "[".repeat(100_000), /:\d+:\d+/),
  text("nested mappings", "{a: ".repeat(50_000), /:\d+:\d+/),
  text(
    "a megabyte of unknown keys",
    nonsense((n) => `k${n}: x\n`),
    /:\d+:1: here the file becomes larger than 160,000 words/,
  ),
  text("20,000 mistakes", Array.from({ length: 20_000 }, (_, n) => `k${n}: x\n`).join(""), /:1:1 k0: /),
  text("a megabyte of commas", `a: [${",".repeat(MiB - 10)}`, /:\d+:\d+/),
  text("a megabyte of quotes", `"`.repeat(MiB - 10), /:\d+:\d+/),
  text("an empty file", "", /:1:1/),
  text("nothing but a comment", "# later\n", /:\d+:1/),
  text("a word", "listeners\n", /:1:1/),
  text("a list", "- listeners\n- pools\n", /:1:1/),
  text("two documents", `${smallest}---\n${smallest}`, /:3:\d/),
  text("binary", Uint8Array.from({ length: 4096 }, (_, n) => n * 151 & 255), /:1:1: not UTF-8 text/),
  text("zeros", new Uint8Array(64 * 1024), /:\d+:\d+/),
  text("50 MB", new Uint8Array(50 * MiB).fill(35), /:1:1: 52428800 bytes, wanted at most 1048576/),
  { what: "a folder", put: (path) => Deno.mkdir(path), says: /:1:1: not a file/ },
  { what: "a FIFO", put: (path) => outputOf("mkfifo", [path]), says: /:1:1: not a file/ },
  { what: "a device", put: (path) => Deno.symlink("/dev/zero", path), says: /:1:1: not a file/ },
  { what: "no file", put: () => Promise.resolve(), says: /:1:1: no such file/ },
  {
    what: "a link to itself",
    put: (path) => Deno.symlink(path, path),
    says: /:1:1: cannot be read: too many symbolic links/,
  },
  {
    what: "a file without the right to read it",
    put: async (path) => {
      await Deno.writeTextFile(path, good);
      await Deno.chmod(path, 0);
    },
    says: /:1:1: cannot be read: permission denied/,
  },
];

Deno.test(`a reload of each of ${files.length} broken files is refused and says where, and no client notices`, async () => {
  await using target = new Target(named("app"));
  const config = fronts({ listeners: { web: ["127.0.0.1:0", "app"] }, pools: { app: [target] } });
  await using lb = await RunningLb.start(config, { prefix: asNobodySpecial });
  await using stream = new ClientStream({ port: lb.port() });
  const path = lb.configPath;
  let slowest = { ms: 0, what: "" };

  for (const { what, put, says } of files) {
    await Deno.remove(path, { recursive: true }).catch(() => {});
    await put(path);
    const before = lb.lines.length;
    const startedAt = performance.now();
    const verdict = await lb.reload();
    const ms = performance.now() - startedAt;

    assert.equal(verdict.message, "reload refused: generation 1 stays in force", what);
    const lines = lb.lines.slice(before).filter(({ level }) => level === "error").map(({ message }) =>
      message!
    );
    assert.equal(lines.filter((line) => isVerdict({ ...verdict, message: line })).length, 1, what);
    assert.equal(lines.at(-1), verdict.message, `${what}: the verdict is the last line`);
    assert.ok(lines.length <= maxLines, `${what}: ${lines.length} lines`);
    if (lines.length === maxLines) assert.match(lines.at(-2)!, /^and \d+ more mistakes$/);
    assert.ok(lines[0]!.startsWith(`${path}:`), `${what}: ${lines[0]}`);
    assert.match(lines[0]!.slice(path.length), says, `${what}: ${lines[0]}`);
    assert.ok(ms < maxReloadMs, `${what}: ${ms} ms`);
    if (ms > slowest.ms) slowest = { ms, what };
  }
  await Deno.remove(path, { recursive: true });
  figure(`slowest reload, of ${slowest.what},`, { row: 41, is: slowest.ms, most: 500, unit: "ms" });

  assertReloaded(await lb.reload(config), "generation 2");
  assert.deepEqual(Object.keys(await stream.stop()), ["app"]);
});

/** Root reads every file, unless it has given that right away. */
const asNobodySpecial = Deno.uid() === 0
  ? ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"]
  : [];

/** Each level names the one before nine times. */
function bomb(): string {
  const levels = Array.from({ length: 9 }, (_, n) => {
    const item = n === 0 ? `"127.0.0.1:9"` : `*l${n - 1}`;
    return `x${n}: &l${n} [${Array(9).fill(item).join(", ")}]`;
  });
  return `${levels.join("\n")}\nlisteners: *l8\n`;
}

function nonsense(line: (n: number) => string): string {
  let file = "";
  for (let n = 0; file.length < MiB - 20; n++) file += line(n);
  return file;
}
