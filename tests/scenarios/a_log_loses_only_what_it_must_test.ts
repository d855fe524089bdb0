/** Row 51 of the acceptance table: a non-blocking standard output, and a disk that is full for a while. */
import assert from "node:assert/strict";
import { BareLb } from "../support/bare_lb.ts";
import { exchange } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { lbCommand } from "../support/lb.ts";
import { missing, testWith } from "../support/needs.ts";
import { nonBlockingOutput } from "../support/non_blocking.ts";
import { echo, Target } from "../support/target.ts";
import { yaml } from "../support/yaml.ts";

/** Their records are several times what a pipe or the disk below holds (64 KiB), and far from what waits in memory (4 MiB). */
const sessions = 600;

testWith(
  { programs: ["perl"] },
  "a non-blocking log whose reader pauses loses no line, and no line twice",
  async () => {
    await using target = new Target(echo);
    const config = yaml({ targets: [target.address], top: "log: { access: all }" });
    await using lb = await BareLb.start(config, nonBlockingOutput);
    await lb.read(/targets up/);
    const port = Number(/"bind":\["127\.0\.0\.1:(\d+)"\]/.exec(lb.log)?.[1]);
    for (let session = 0; session < sessions; session++) await exchange(port, "hello");

    lb.kill("SIGTERM");
    await lb.read(/"stopped"/);
    const lines = lb.log.trimEnd().split("\n").map((line) => JSON.parse(line));
    const ids = lines.filter(({ reason }) => reason === "done").map(({ id }) => id);
    assert.equal(ids.length, sessions);
    assert.equal(new Set(ids).size, sessions);
    assert.deepEqual(lines.filter(({ message }) => message?.includes("lost")), []);
    assert.equal(await lb.ended(), 0);
  },
);

const noDisk = Deno.build.os !== "linux"
  ? "needs Linux"
  : Deno.uid() !== 0 || missing(["mount", "umount"]).length > 0
  ? "needs root and mount"
  : undefined;

Deno.test({
  name:
    `while the disk is full traffic goes on, lost lines are counted, and with space again the log goes on in whole lines${
      noDisk === undefined ? "" : ` (${noDisk})`
    }`,
  ignore: noDisk !== undefined,
  async fn() {
    await using target = new Target(echo);
    using disk = new SmallDisk();
    const log = `${disk.folder}/log`;
    await using lb = await LoggingToFile.start(
      yaml({ targets: [target.address], top: "log: { access: all }" }),
      log,
    );
    const bind = await eventually(
      "the start in the log",
      () => /"bind":\["127\.0\.0\.1:(\d+)"\][^]*targets up/.exec(Deno.readTextFileSync(log)) ?? undefined,
    );
    const port = Number(bind[1]);
    for (let session = 0; session < sessions; session++) assert.equal(await exchange(port, "hello"), "hello");
    await eventually("a full disk", () => Deno.statSync(log).size > 60_000);
    const before = Deno.readTextFileSync(log);

    // As logrotate does with copytruncate.
    Deno.truncateSync(log);
    assert.equal(await exchange(port, "hello"), "hello");
    lb.kill("SIGTERM");
    assert.equal(await lb.ended(), 0);

    // What was cut off at the end of the disk is completed at the beginning of the next.
    const wholeLines = (before + Deno.readTextFileSync(log)).trimEnd().split("\n").map((line) =>
      JSON.parse(line)
    );
    const records = wholeLines.filter(({ reason }) => reason === "done").length;
    const lost = wholeLines.map(({ message }) =>
      Number(/^(\d+) log lines were lost$/.exec(message)?.[1] ?? 0)
    )
      .reduce((sum, count) => sum + count, 0);
    assert.ok(lost > 0);
    assert.equal(records + lost, sessions + 1);
    assert.equal(wholeLines.at(-1).message, "stopped");
  },
});

/** A file system of 64 KiB. Dispose it to have it unmounted. */
class SmallDisk implements Disposable {
  readonly folder = Deno.makeTempDirSync({ prefix: "lb-disk-" });

  constructor() {
    run("mount", "-t", "tmpfs", "-o", "size=64k", "none", this.folder);
  }

  [Symbol.dispose](): void {
    run("umount", "-l", this.folder);
    Deno.removeSync(this.folder);
  }
}

function run(command: string, ...args: string[]): void {
  const { success, stderr } = new Deno.Command(command, { args }).outputSync();
  assert.ok(success, `${command} ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
}

/** `lb run` with its standard output appended to a file. Dispose it to have it killed. */
class LoggingToFile implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #folder: string;

  private constructor(process: Deno.ChildProcess, folder: string) {
    this.#process = process;
    this.#folder = folder;
  }

  static async start(config: string, log: string): Promise<LoggingToFile> {
    const folder = await Deno.makeTempDir({ prefix: "lb-scenario-" });
    await Deno.writeTextFile(`${folder}/lb.yaml`, config);
    await Deno.writeTextFile(log, "");
    const [command, words] = lbCommand(["run", "-c", `${folder}/lb.yaml`]);
    const args = ["-c", `exec "$@" >>${log}`, "sh", command, ...words];
    const options = { args, stdin: "null", stdout: "null", stderr: "null" } as const;
    return new LoggingToFile(new Deno.Command("sh", options).spawn(), folder);
  }

  kill(signal: Deno.Signal): void {
    this.#process.kill(signal);
  }

  async ended(): Promise<number> {
    return (await this.#process.status).code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#process.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
    await this.#process.status;
    await Deno.remove(this.#folder, { recursive: true });
  }
}
