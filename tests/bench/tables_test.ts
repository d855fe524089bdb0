import assert from "node:assert/strict";
import type { Sample } from "./samples.ts";
import type { ServerName } from "./server_names.ts";
import { tableOf } from "./tables.ts";
import { workloadNamed } from "./workloads.ts";

function samples(server: ServerName, perS: readonly number[], problems: readonly string[] = []): Sample[] {
  return perS.map((requestsPerS, index) => ({
    workload: "small",
    server,
    round: index + 1,
    values: { requestsPerS, p99Ms: 1 },
    problems: index === 0 ? problems : [],
  }));
}

function table(...parts: readonly Sample[][]): string {
  return tableOf(workloadNamed("small"), { leg: "network", samples: parts.flat() }) ?? "";
}

function cell(text: string, server: string): string {
  const row = text.split("\n").find((line) => line.startsWith(`| ${server} `)) ?? "";
  return row.split("|")[2]!.trim();
}

Deno.test("a cell has median, spread and the ratio to the best peer", () => {
  const text = table(samples("lb-linux", [900, 1100, 1000]), samples("haproxy", [2000, 2000, 2000]));
  assert.equal(cell(text, "lb-linux"), "1,000 (900 - 1,100) [0.50]");
  assert.equal(cell(text, "haproxy"), "2,000 (2,000 - 2,000) [1.00]");
});

Deno.test("the best peer is neither lb nor the direct way", () => {
  const text = table(
    samples("direct", [9000]),
    samples("lb-linux", [200]),
    samples("haproxy", [100]),
    samples("nginx", [50]),
  );
  assert.equal(cell(text, "lb-linux"), "200 (200 - 200) [2.00*]");
  assert.equal(cell(text, "nginx"), "50 (50 - 50) [0.50]");
});

Deno.test("without a peer there is no ratio", () => {
  assert.equal(cell(table(samples("lb-linux", [7])), "lb-linux"), "7 (7 - 7)");
});

Deno.test("a figure that was not measured is a dash", () => {
  assert.match(table(samples("direct", [7])), /\| direct .*\| +- \|$/m);
});

Deno.test("a server with problems is marked, and the problems stand below", () => {
  const text = table(samples("lb-linux", [1, 2], ["3 read errors"]));
  assert.match(text, /^\| lb-linux ! \|/m);
  assert.match(text, /^- `lb-linux`, round 1: 3 read errors$/m);
});

Deno.test("a workload that nobody ran has no table", () => {
  assert.equal(
    tableOf(workloadNamed("idle"), { leg: "loopback", samples: samples("direct", [1]) }),
    undefined,
  );
});

Deno.test("a table says on which leg it was measured", () => {
  assert.match(table(samples("direct", [7])), /^### .*, network$/m);
});

Deno.test("this tree is compared with another one round by round, and what is over 3 % worse is marked", () => {
  const after = samples("lb-linux", [970, 1940, 3000]);
  const worse = table(after, samples("lb-linux-before", [1010, 2010, 3000]));
  assert.match(
    worse,
    /^- `lb-linux` \/ `lb-linux-before`: requests\/s 0\.965 \(worse\), p50 ms -, p99 ms 1\.000,/m,
  );
  const similar = table(after, samples("lb-linux-before", [980, 1980, 3000]));
  assert.match(similar, /^- `lb-linux` \/ `lb-linux-before`: requests\/s 0\.990, /m);
});

Deno.test("another tree is compared on the same engine only, and is no peer", () => {
  const text = table(
    samples("lb-linux", [100]),
    samples("lb-portable-before", [50]),
    samples("haproxy", [80]),
  );
  assert.doesNotMatch(text, / \/ `lb/);
  assert.equal(cell(text, "haproxy"), "80 (80 - 80) [1.00]");
});
