/** Standard output that is full, or non-blocking. */
import assert from "node:assert/strict";
import { missing } from "../support/needs.ts";
import { lb, lbCommand } from "../support/lb.ts";
import { nonBlockingOutput } from "../support/non_blocking.ts";
import { TextFile } from "../support/text_file.ts";
import { yaml } from "../support/yaml.ts";

interface Printed {
  readonly code: number;
  readonly stderr: string;
}

/** Runs a command whose standard output is a disk without space. */
async function ontoFullDisk(args: readonly string[]): Promise<Printed> {
  const [command, words] = lbCommand(args);
  const shell = ["-c", 'exec "$@" >/dev/full', "sh", command, ...words];
  const { code, stderr } = await new Deno.Command("sh", { args: shell, stdin: "null" }).output();
  return { code, stderr: new TextDecoder().decode(stderr) };
}

const noSpace = "lb: standard output cannot be written: no space left\n";
const ignore = Deno.build.os !== "linux";

Deno.test({
  name:
    "lb check onto a full disk exits with its verdict, and says on standard error what could not be printed",
  ignore,
  async fn() {
    await using good = await TextFile.write(yaml({ targets: ["127.0.0.1:1"] }));
    await using bad = await TextFile.write("listeners: [");
    assert.deepEqual(await ontoFullDisk(["check", "-c", good.path]), { code: 0, stderr: noSpace });
    assert.deepEqual(await ontoFullDisk(["check", "--json", "-c", good.path]), { code: 0, stderr: noSpace });
    assert.deepEqual(await ontoFullDisk(["check", "--json", "-c", bad.path]), { code: 3, stderr: noSpace });
  },
});

Deno.test({
  name: "a command whose output is all there is to it exits 1 when that cannot be written",
  ignore,
  async fn() {
    for (const command of ["schema", "version", "help"]) {
      assert.deepEqual(await ontoFullDisk([command]), { code: 1, stderr: noSpace }, command);
    }
  },
});

Deno.test({
  name: `lb schema prints all of it to a non-blocking pipe whose reader is slow${
    missing(["perl"]).length === 0 ? "" : " (needs perl)"
  }`,
  ignore: missing(["perl"]).length > 0,
  async fn() {
    const whole = (await lb(["schema"])).stdout;
    const [command, words] = lbCommand(["schema"]);
    // The pipe is full many times over before the reader has begun.
    const script = [...nonBlockingOutput.slice(1), command, ...words].map((word) => `'${word}'`).join(" ");
    const reader = 'read -r first && sleep 1 && printf "%s\n" "$first" && cat';
    const { stdout, stderr } = await new Deno.Command("sh", {
      args: ["-c", `perl ${script} | { ${reader}; }`],
      stdin: "null",
    }).output();
    assert.equal(new TextDecoder().decode(stderr), "");
    assert.equal(new TextDecoder().decode(stdout), whole);
  },
});
