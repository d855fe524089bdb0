import assert from "node:assert/strict";
import fc from "fast-check";
import { formatAddress, isLoopback, parseAddress } from "../../lib/values/address.ts";
import { formatDuration, parseDuration } from "../../lib/values/duration.ts";
import { isProblem } from "../../lib/values/problem.ts";
import { formatShare, parseShare } from "../../lib/values/share.ts";

Deno.test("duration: each form reads as milliseconds", () => {
  const forms = { "250ms": 250, "2s": 2000, "1m30s": 90_000, "1h": 3_600_000, "1h1ms": 3_600_001, "0s": 0 };
  for (const [text, ms] of Object.entries(forms)) assert.equal(parseDuration(text), ms);
});

Deno.test("duration: a number without a unit, units out of order and fractions are problems", () => {
  for (const text of ["", "5", "1s1m", "1m1m", "1.5s", "-1s", "1 s", "5S", "1d", "ms"]) {
    assert.ok(isProblem(parseDuration(text)), text);
  }
});

Deno.test("duration: what is written reads back", () => {
  fc.assert(fc.property(fc.nat(2 ** 31 - 1), (ms) => assert.equal(parseDuration(formatDuration(ms)), ms)));
  assert.equal(formatDuration(90_000), "1m30s");
  assert.equal(formatDuration(Infinity), "none");
});

Deno.test("share: a percentage reads as a fraction", () => {
  assert.equal(parseShare("10%"), 0.1);
  assert.equal(parseShare("0.5%"), 0.005);
  for (const text of ["10", "0.1", "101%", "-1%", "%"]) assert.ok(isProblem(parseShare(text)), text);
  assert.equal(formatShare(0.1), "10%");
});

Deno.test("address: each form reads and is written back in its canonical form", () => {
  const forms: Readonly<Record<string, string>> = {
    "10.0.0.1:80": "10.0.0.1:80",
    "App.Example:8080": "app.example:8080",
    "localhost:0": "localhost:0",
    "[::1]:80": "[::1]:80",
    "[0:0:0:0:0:0:0:1]:80": "[::1]:80",
    "[::]:65535": "[::]:65535",
    "unix:/run/lb.sock": "unix:/run/lb.sock",
    "my_service:1": "my_service:1",
  };
  for (const [text, canonical] of Object.entries(forms)) {
    const address = parseAddress(text);
    assert.ok(!isProblem(address), text);
    assert.equal(formatAddress(address), canonical);
  }
});

Deno.test("address: a wrong form is answered with the right one", () => {
  const answers: Readonly<Record<string, RegExp>> = {
    "": /empty/,
    "host": /write "host:80"/,
    "8080": /write "0\.0\.0\.0:8080"/,
    "host:": /no port/,
    "host:x": /not a number/,
    "host:65536": /from 1 to 65535/,
    ":80": /write "0\.0\.0\.0:80"/,
    "*:80": /"\[::\]:80"/,
    "::1:80": /write "\[::1\]:80"/,
    "fe80::1": /IPv6 address without brackets/,
    "[::1]": /write "\[::1\]:80"/,
    "[zz]:80": /IPv6/,
    "http://a:80": /without a scheme/,
    "a b:80": /space/,
    "10.0.0.256:80": /IPv4/,
    "1.2.3:80": /IPv4/,
    "unix:run.sock": /"unix:\/path"/,
    "/run/a.sock": /unix:/,
  };
  for (const [text, answer] of Object.entries(answers)) {
    const result = parseAddress(text);
    assert.ok(isProblem(result), text);
    assert.match(result.problem, answer);
  }
});

Deno.test("address: loopback is this machine only", () => {
  const loopback = (text: string) => {
    const address = parseAddress(text);
    return !isProblem(address) && isLoopback(address);
  };
  for (const text of ["127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "localhost:1", "unix:/a"]) {
    assert.ok(loopback(text), text);
  }
  for (const text of ["0.0.0.0:1", "[::]:1", "10.0.0.1:1", "127.example:1"]) assert.ok(!loopback(text), text);
});

Deno.test("address: no text makes it throw, and what reads is written to what reads the same", () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.string(), fc.domain().map((host) => `${host}:1`), fc.ipV6().map((host) => `[${host}]:1`)),
      (text) => {
        const address = parseAddress(text);
        if (!isProblem(address)) assert.deepEqual(parseAddress(formatAddress(address)), address);
      },
    ),
    { seed: 7 },
  );
});
