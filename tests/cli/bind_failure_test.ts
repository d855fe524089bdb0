import assert from "node:assert/strict";
import { bindFailureLine, bindFailureWords } from "../../lib/cli/bind_failure.ts";
import { whyTaken } from "../../lib/control/listeners.ts";
import { parseAddress, type SocketAddress } from "../../lib/values/address.ts";
import { isProblem } from "../../lib/values/problem.ts";
import { TextFile } from "../support/text_file.ts";

function address(text: string): SocketAddress {
  const parsed = parseAddress(text);
  assert.ok(!isProblem(parsed), text);
  return parsed;
}

const cases: readonly [bind: string, cause: string, words: RegExp][] = [
  [
    "127.0.0.1:80",
    "Address already in use (os error 98)",
    /^address in use; stop what holds it or bind elsewhere$/,
  ],
  ["127.0.0.1:80", "bind: EADDRINUSE (os error 98)", /^address in use; stop what holds it/],
  [
    "0.0.0.0:443",
    "Permission denied (os error 13)",
    /^no permission for a port below 1024; .*setcap.*port from 1024$/,
  ],
  ["0.0.0.0:8443", "Permission denied (os error 13)", /^no permission; look at the rules of this machine/],
  ["0.0.0.0:0", "Permission denied (os error 13)", /^no permission; look at the rules of this machine/],
  [
    "203.0.113.9:80",
    "Cannot assign requested address (os error 99)",
    /no address 203\.0\.113\.9;.*"0\.0\.0\.0:80"\)$/,
  ],
  ["[2001:db8::1]:80", "EADDRNOTAVAIL (os error 99)", /no address 2001:db8::1;.*"\[::\]:80"\)$/],
  [
    "[::1]:80",
    "Address family not supported by protocol (os error 97)",
    /^this machine has no IPv6; .*"0\.0\.0\.0:80"/,
  ],
  ["127.0.0.1:80", "EAFNOSUPPORT (os error 97)", /^this machine has no IPv4; .*"\[::\]:80"/],
  [
    "lb.test:80",
    "failed to lookup address information: Name or service not known",
    /^host lb\.test not found; bind to an address/,
  ],
  ["lb.test:80", "host not found", /^host lb\.test not found; bind to an address/],
  [
    "lb.test:80",
    "no name server answers (10.0.0.1)",
    /^no name server answers \(10\.0\.0\.1\); bind to an address, or name one/,
  ],
  [
    "127.0.0.1:80",
    "Too many open files (os error 24)",
    /^no free file descriptor; raise the limit \(ulimit -n/,
  ],
  [
    "127.0.0.1:80",
    "Too many open files in system (os error 23)",
    /^no free file descriptor on this machine; raise fs\.file-max$/,
  ],
  [
    "127.0.0.1:80",
    'Requires net access to "127.0.0.1:80", run again with the --allow-net flag',
    /^Deno's permissions do not allow it \(Requires net access to "127\.0\.0\.1:80"\); /,
  ],
  [
    "127.0.0.1:80",
    "No buffer space available (os error 105)",
    /^no free memory for sockets; bind elsewhere$/,
  ],
  ["127.0.0.1:80", "something quite new", /^something quite new; bind elsewhere$/],
  ["unix:/run/lb/a.sock", "bind: errno 2 (os error 2)", /^no folder \/run\/lb; create it or bind elsewhere$/],
  ["unix:/a.sock", "Permission denied (os error 13)", /^no permission in \/; give the user/],
  ["unix:/run/a.sock", "Read-only file system (os error 30)", /^\/run is read-only; bind elsewhere$/],
  [
    "unix:/etc/passwd/a.sock",
    "Not a directory (os error 20)",
    /^\/etc\/passwd is not a folder; bind elsewhere$/,
  ],
  [
    "unix:/run/a.sock",
    "File name too long (os error 36)",
    /^the path is too long for a socket; .* 107 bytes$/,
  ],
  [
    "unix:/run/a.sock",
    "unix:/run/a.sock: somebody answers there",
    /^somebody answers there; stop what holds it or bind elsewhere$/,
  ],
  [
    "unix:/run/a.sock",
    "/run/a.sock exists and is not a socket",
    /^there is something else than a socket; remove it or bind elsewhere$/,
  ],
];

for (const [bind, cause, words] of cases) {
  Deno.test(`a bind to ${bind} that fails with "${cause.slice(0, 50)}" says why and what to do`, () => {
    const text = bindFailureWords({ address: address(bind), cause });
    assert.match(text, words);
    assert.doesNotMatch(text, /os error|errno/);
  });
}

Deno.test("a name of the error that is known goes before the text", () => {
  const failure = { address: address("127.0.0.1:80"), cause: "no words at all", code: "EADDRINUSE" };
  assert.match(bindFailureWords(failure), /^address in use/);
  assert.equal(
    bindFailureLine({ listener: "web", ...failure }),
    "listener web cannot listen on 127.0.0.1:80: address in use; stop what holds it or bind elsewhere",
  );
});

Deno.test("what the check before a bind throws has words of its own", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  await using file = await TextFile.write("no socket");
  const binds: [string, RegExp][] = [
    [`127.0.0.1:${taken.addr.port}`, /^address in use; /],
    [`unix:${file.path}`, /^there is something else than a socket; /],
  ];
  for (const [bind, words] of binds) {
    const { code, message: cause } = await whyTaken(address(bind)) ?? { code: undefined, message: "free" };
    assert.match(bindFailureWords({ address: address(bind), code, cause }), words);
  }
});
