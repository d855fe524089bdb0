/** What stands at the path of the configuration while lb runs is not always a file. */
import assert from "node:assert/strict";
import { Client } from "../support/client.ts";
import { RunningLb } from "../support/lb.ts";
import { echo, Target } from "../support/target.ts";
import { TextFile } from "../support/text_file.ts";
import { yaml } from "../support/yaml.ts";

Deno.test("a FIFO in place of the configuration is refused at a reload, and neither watch nor TERM hangs", async () => {
  await using target = new Target(echo);
  await using lb = await RunningLb.start(yaml({ targets: [target.address] }), { args: ["--watch"] });
  const path = String(lb.lines.find(({ config }) => config !== undefined)?.["config"]);
  using client = await Client.served(lb.port());

  await Deno.remove(path);
  await new Deno.Command("mkfifo", { args: [path] }).output();
  await lb.line(({ message }) => message?.startsWith("reload refused") ?? false);
  assert.ok(lb.lines.some(({ message }) => message?.includes("not a file; name a YAML file with -c")));
  await client.say("still here");

  // It comes back, and counts.
  await Deno.remove(path);
  await lb.writeConfig(yaml({ targets: [target.address], pool: "algorithm: first, health: none" }));
  await lb.line(({ message }) => message?.startsWith("reloaded") ?? false);

  await Deno.remove(path);
  await new Deno.Command("mkfifo", { args: [path] }).output();
  client[Symbol.dispose]();
  lb.kill("SIGTERM");
  assert.equal(await lb.ended(), 0);
});

Deno.test("a device in place of the configuration is refused at a reload, unread", async () => {
  await using target = new Target(echo);
  await using lb = await RunningLb.start(yaml({ targets: [target.address] }));
  const path = String(lb.lines.find(({ config }) => config !== undefined)?.["config"]);
  await Deno.remove(path);
  await Deno.symlink("/dev/zero", path);
  lb.kill("SIGHUP");
  await lb.line(({ message }) => message?.includes("not a file") ?? false);
  await Deno.remove(path);
});

Deno.test("when the working folder is gone a relative path is refused in words, and lb serves on", async () => {
  await using target = new Target(echo);
  await using folder = await TextFile.write(yaml({ targets: [target.address] }));
  await using lb = await RunningLb.start(yaml({ targets: [target.address] }), {
    args: ["-c", "lb.yaml"],
    prefix: ["sh", "-c", `cd ${folder.folder} && exec "$@"`, "sh"],
  });
  await Deno.rename(folder.folder, `${folder.folder}.old`);
  await Deno.remove(`${folder.folder}.old`, { recursive: true });
  await Deno.mkdir(folder.folder);

  lb.kill("SIGHUP");
  const line = await lb.line(({ level }) => level === "error");
  assert.match(
    String(line.message),
    /^lb\.yaml:1:1: the working folder is gone; name the file with its whole path/,
  );
  using client = await Client.served(lb.port());
  await client.say("still here");
});
