import assert from "node:assert/strict";
import fc from "fast-check";
import { loadConfig } from "../../../lib/config/load.ts";

const HOSTS = ["0.0.0.0", "[::]", "127.0.0.1", "10.0.0.1", "[::1]", "[fe80::1]", "localhost", "lb.example"];

/** The addresses that a host of the list stands for, as the kernel would bind them. */
function bound(host: string): readonly string[] {
  return host === "localhost" ? ["127.0.0.1", "[::1]"] : [host];
}

/** Every pair compared: what `checkBindClashes` must find without doing so. */
function clash(a: string, b: string): boolean {
  const everyIpv4 = (host: string, other: string) => host === "0.0.0.0" && /^\d/.test(other);
  const everyIpv6 = (host: string, other: string) => host === "[::]" && other.startsWith("[");
  return bound(a).some((one) =>
    bound(b).some((two) =>
      one === two || everyIpv4(one, two) || everyIpv4(two, one) || everyIpv6(one, two) || everyIpv6(two, one)
    )
  );
}

Deno.test("config: each bind that clashes is reported with the first one it clashes with", () => {
  const bind = fc.record({ host: fc.constantFrom(...HOSTS), port: fc.constantFrom(0, 80, 81) });
  fc.assert(fc.property(fc.array(bind, { minLength: 1, maxLength: 12 }), (binds) => {
    const text = `admin: none
listeners: { web: { pool: app, bind: [${binds.map(({ host, port }) => `"${host}:${port}"`).join(", ")}] } }
pools: { app: { targets: ["a:1"] } }
`;
    const loaded = loadConfig(text, { file: "lb.yaml", env: () => undefined });
    const found = "diagnostics" in loaded
      ? loaded.diagnostics.map(({ path, message }) => [path, /bind\[\d+\]/.exec(message)?.[0]])
      : [];
    const expected = binds.flatMap(({ host, port }, later) => {
      const earlier = binds.findIndex((each, index) =>
        index < later && port !== 0 && each.port === port && clash(each.host, host)
      );
      return earlier < 0 ? [] : [[`listeners.web.bind[${later}]`, `bind[${earlier}]`]];
    });
    assert.deepEqual(found, expected);
  }));
});
