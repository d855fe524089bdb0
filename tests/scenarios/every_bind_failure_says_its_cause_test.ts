/** A listener that cannot listen. */
import assert from "node:assert/strict";
import { lb } from "../support/lb.ts";
import { TextFile } from "../support/text_file.ts";
import { yaml } from "../support/yaml.ts";

Deno.test("lb run says why an address cannot be listened on, and what to do", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  await using other = await TextFile.write("not a socket");
  const { port } = listener.addr;
  const cases: readonly [bind: string, words: string][] = [
    [`127.0.0.1:${port}`, "address in use; stop what holds it or bind elsewhere"],
    [
      `203.0.113.7:${port}`,
      `this machine has no address 203.0.113.7; bind to one that it has, or to every one ("0.0.0.0:${port}")`,
    ],
    ["unix:/run/no-such-folder/lb.sock", "no folder /run/no-such-folder; create it or bind elsewhere"],
    [`unix:${other.path}`, "there is something else than a socket; remove it or bind elsewhere"],
  ];
  for (const [bind, words] of cases) {
    await using file = await TextFile.write(yaml({ targets: ["127.0.0.1:1"], bind }));
    const ran = await lb(["run", "-c", file.path]);
    assert.equal(ran.code, 1);
    const { level, message } = JSON.parse(ran.stdout.trim().split("\n").at(-1)!);
    assert.deepEqual([level, message], ["error", `listener web cannot listen on ${bind}: ${words}`]);
  }
});
