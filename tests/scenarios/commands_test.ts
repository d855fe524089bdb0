/** `lb check`, `version`, `help`, `schema` and words that are no command. */
import assert from "node:assert/strict";
import { within } from "../support/eventually.ts";
import { lb, lbCommand } from "../support/lb.ts";
import { ReservedPort } from "../support/reserved_port.ts";
import { echo, Target } from "../support/target.ts";
import { TextFile } from "../support/text_file.ts";
import { yaml } from "../support/yaml.ts";

const wrong = yaml({
  targets: ["127.0.0.1:1"],
  pool: "algorithm: leest-conn, retry: 3, health: { interval: 5 }",
});

Deno.test("lb check of a right file prints one line and exits 0", async () => {
  await using file = await TextFile.write(yaml({ targets: ["127.0.0.1:1", "127.0.0.1:2"] }));
  const { code, stdout, stderr } = await lb(["check", "-c", file.path]);
  assert.deepEqual({ code, stdout, stderr }, {
    code: 0,
    stdout: `${file.path}: ok, 1 listener, 1 pool, 2 targets\n`,
    stderr: "",
  });
});

Deno.test("lb check prints a line for each mistake, in the order of the file, and exits 3", async () => {
  await using file = await TextFile.write(wrong);
  const { code, stdout, stderr } = await lb(["check", "-c", file.path]);
  assert.equal(code, 3);
  assert.equal(stdout, "");
  const lines = stderr.trim().split("\n");
  assert.equal(lines.length, 3);
  const at = lines.map((line) => {
    const [, path, row, column] = /^(.*):(\d+):(\d+) pools\.app\./.exec(line) ?? assert.fail(line);
    assert.equal(path, file.path);
    return { row: Number(row), column: Number(column) };
  });
  assert.deepEqual(at.map(({ row }) => row), [6, 6, 6]);
  assert.deepEqual(at.map(({ column }) => column), at.map(({ column }) => column).sort((a, b) => a - b));
});

Deno.test("lb check --json prints one object, for a wrong file too", async () => {
  await using bad = await TextFile.write(wrong);
  const failed = await lb(["check", "--json", "-c", bad.path]);
  assert.equal(failed.code, 3);
  const { ok, errors, more } = JSON.parse(failed.stdout);
  assert.equal(ok, false);
  assert.equal(more, 0);
  assert.equal(errors.length, 3);
  assert.deepEqual(
    errors.map(({ path }: { path: string }) => path),
    ["pools.app.algorithm", "pools.app.retry", "pools.app.health.interval"],
  );

  await using good = await TextFile.write(yaml({ targets: ["127.0.0.1:1"] }));
  const passed = await lb(["check", "--json", "-c", good.path]);
  assert.equal(passed.code, 0);
  assert.deepEqual(JSON.parse(passed.stdout), { ok: true, errors: [], notes: [], more: 0, live: [] });
});

Deno.test("lb check of a file that is not there exits 3 and says so", async () => {
  const { code, stderr } = await lb(["check", "-c", "no/such/lb.yaml"]);
  assert.equal(code, 3);
  assert.match(stderr, /^no\/such\/lb\.yaml:1:1.*no such file/);
});

Deno.test("lb check --live tells each bind and each target that does not work, and exits 1", async () => {
  using closed = new ReservedPort();
  await using target = new Target(echo);
  const config = yaml({
    targets: [target.address, closed.address],
    pool: "health: { check: tcp }",
    bind: target.address,
  });
  await using file = await TextFile.write(config);

  const failed = await lb(["check", "--live", "-c", file.path]);
  assert.equal(failed.code, 1);
  assert.equal(failed.stdout, "");
  const lines = failed.stderr.trim().split("\n");
  assert.equal(lines.length, 2);
  assert.match(lines[0]!, new RegExp(`: listener web on ${target.address}: .*in use`));
  assert.equal(lines[1], `${file.path}: target app/${closed.address}: connection refused`);

  await Deno.writeTextFile(file.path, yaml({ targets: [target.address], pool: "health: { check: tcp }" }));
  const passed = await lb(["check", "--live", "-c", file.path]);
  assert.equal(passed.code, 0);
  assert.match(passed.stdout, /: ok, 1 listener, 1 pool, 1 target, all of it answers\n$/);
});

Deno.test("an unknown command or option exits 2 and says what was meant", async () => {
  const cases = [
    [["chek"], /"chek" is not a command; did you mean "check"\?/],
    [["run", "--wach"], /unknown option "--wach"; did you mean "--watch"\?/],
    [["check", "more"], /"more" is one word too many/],
    [["run", "-c"], /-c|--config/],
    [["help", "schem"], /"schem" is not a command; did you mean "schema"\?/],
    [["frobnicate"], /"frobnicate" is not a command; `lb help` lists the commands/],
  ] as const;
  const outcomes = await Promise.all(cases.map(([args]) => lb(args)));
  for (const [index, [args, message]] of cases.entries()) {
    const { code, stdout, stderr } = outcomes[index]!;
    assert.equal(code, 2, args.join(" "));
    assert.equal(stdout, "");
    assert.match(stderr, message);
  }
});

Deno.test("lb version says the version, and with --json more of it", async () => {
  const [plain, json] = await Promise.all([lb(["version"]), lb(["version", "--json"])]);
  const about = JSON.parse(json.stdout);
  assert.deepEqual([plain.code, json.code], [0, 0]);
  assert.match(about.version, /^\d+\.\d+\.\d+/);
  assert.ok(plain.stdout.startsWith(`lb ${about.version} `));
});

Deno.test("lb help lists every command, and lb help COMMAND its options", async () => {
  const [all, one, flag] = await Promise.all([lb(["help"]), lb(["help", "run"]), lb(["run", "--help"])]);
  for (const command of ["run", "check", "demo", "schema", "version", "help"]) {
    assert.match(all.stdout, new RegExp(`^  lb ${command}\\b`, "m"));
  }
  assert.match(one.stdout, /--watch/);
  assert.deepEqual([all.code, one.code, flag.code], [0, 0, 0]);
  assert.equal(flag.stdout, one.stdout);
});

Deno.test("lb schema prints a JSON Schema, and a reader that has seen enough does not make it fail", async () => {
  const { code, stdout } = await lb(["schema"]);
  assert.equal(code, 0);
  assert.ok("listeners" in JSON.parse(stdout).properties);

  const [command, args] = lbCommand(["schema"]);
  const impatient = new Deno.Command(command, { args, stdin: "null", stdout: "piped", stderr: "piped" })
    .spawn();
  // Before the program has begun, so that its first write already finds nobody.
  await impatient.stdout.cancel();
  const errors = await within("the end of its standard error", new Response(impatient.stderr).text());
  assert.equal(errors, "");
  assert.equal((await within("its end", impatient.status)).code, 0);
});
