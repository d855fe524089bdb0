import assert from "node:assert/strict";
import { isLiteral, notAnAddress, parseIpv4, parseIpv6 } from "../../lib/relay/literal.ts";

const hex = (bytes: readonly number[] | undefined) =>
  bytes?.map((byte) => byte.toString(16).padStart(2, "0")).join("");

for (
  const [host, bytes] of [
    ["127.0.0.1", "7f000001"],
    ["255.255.255.255", "ffffffff"],
    ["256.0.0.1", undefined],
    ["1.2.3", undefined],
    ["1.2.3.4.5", undefined],
    ["1.2.3.x", undefined],
    ["", undefined],
  ] as const
) {
  Deno.test(`"${host}" as IPv4 is ${bytes ?? "none"}`, () => assert.equal(hex(parseIpv4(host)), bytes));
}

for (
  const [host, bytes] of [
    ["::", "0".repeat(32)],
    ["::1", `${"0".repeat(31)}1`],
    ["2001:db8::a:b", "20010db80000000000000000000a000b"],
    ["1:2:3:4:5:6:7:8", "00010002000300040005000600070008"],
    ["::ffff:192.0.2.1", "00000000000000000000ffffc0000201"],
    ["1:2:3:4:5:6:7", undefined],
    ["1:2:3:4:5:6:7:8:9", undefined],
    ["1::2::3", undefined],
    ["1:2:3:4:5:6:7::8", undefined],
    ["fe80::1%eth0", undefined],
    ["12345::", undefined],
    ["localhost", undefined],
  ] as const
) {
  Deno.test(`"${host}" as IPv6 is ${bytes ?? "none"}`, () => assert.equal(hex(parseIpv6(host)), bytes));
}

Deno.test("what an engine connects to is an IP address or a path, and anything else is named as what it is", () => {
  const at = (host: string) => ({ kind: "tcp", host, port: 80 } as const);
  assert.deepEqual([at("10.0.0.1"), at("::1"), { kind: "unix", path: "/run/a" } as const].map(isLiteral), [
    true,
    true,
    true,
  ]);
  assert.equal(isLiteral(at("db.internal")), false);
  assert.equal(notAnAddress(at("db.internal")), "db.internal:80 is a host name, not an IP address");
});
