import assert from "node:assert/strict";
import { fetchFaultOf, handshakeFaultOf, socketFaultOf } from "../../lib/health/faults.ts";

function withCode(code: string, message = "x"): Error {
  return Object.assign(new Error(message), { code });
}

Deno.test("running out of descriptors, ports or memory is a local fault, not the target's", () => {
  const cases = [
    ["EMFILE", "no free file descriptor"],
    ["EADDRNOTAVAIL", "no free local port"],
    ["ENOBUFS", "no free memory for sockets"],
  ] as const;
  for (const [code, detail] of cases) {
    assert.deepEqual(socketFaultOf(withCode(code)), { local: true, detail });
  }
  const fetchError = new TypeError("error sending request: client error (Connect)", {
    cause: new Error("tcp open error: Too many open files (os error 24)"),
  });
  assert.deepEqual(fetchFaultOf(fetchError), { local: true, detail: "no free file descriptor" });
});

Deno.test("a CA store that cannot be loaded is a local fault", () => {
  const error = new Error("Failed opening CA file: No such file or directory (os error 2)");
  const detail = "the CA certificates cannot be loaded (see DENO_CERT and DENO_TLS_CA_STORE): no such file";
  for (const faultOf of [socketFaultOf, handshakeFaultOf, fetchFaultOf]) {
    assert.deepEqual(faultOf(error), { local: true, detail });
  }
});

Deno.test("unreachable and unknown errors have words, without the numbers of the system", () => {
  assert.equal(socketFaultOf(withCode("EHOSTUNREACH")).detail, "unreachable");
  assert.equal(socketFaultOf(new Error("odd\nthing (os error 99)")).detail, '"odd\\nthing"');
  assert.equal(fetchFaultOf(new Error("odd thing (os error 99)")).detail, '"odd thing"');
  assert.deepEqual(socketFaultOf(new TypeError("x is undefined")), {
    local: true,
    detail: 'the probe itself failed: "TypeError: x is undefined"',
  });
});

/** What rustls says, with Deno 2.4.2 and 2.9.6, and what people read. */
const tlsTexts: readonly (readonly [string, string])[] = [
  ["invalid peer certificate: UnknownIssuer", "certificate: unknown issuer"],
  ["invalid peer certificate: Expired", "certificate: expired"],
  [
    "invalid peer certificate: certificate expired: verification time 1795744223 (UNIX), but certificate is not valid after 1609459200 (186285023 seconds ago)",
    "certificate: expired",
  ],
  [
    "invalid peer certificate: certificate not valid yet: verification time 1795744224 (UNIX), but certificate is not valid before 2145916800 (350172576 seconds in future)",
    "certificate: not valid yet",
  ],
  [
    'invalid peer certificate: certificate not valid for name "expired.test"; certificate is only valid for DnsName("health.test")',
    "certificate: for another name",
  ],
  [
    "invalid peer certificate: certificate does not allow extended key usage for server authentication, allows client authentication",
    "certificate: not for servers",
  ],
  [
    "invalid peer certificate: Other(OtherError(CaUsedAsEndEntity))",
    "certificate: a CA's own certificate",
  ],
  [
    "received corrupt message of type InvalidContentType",
    "the target does not speak TLS on this port",
  ],
  ['received corrupt message of type MissingData("ProtocolVersion")', "TLS: broken handshake"],
  ["received fatal alert: ProtocolVersion", "TLS: no protocol version in common"],
  ["received fatal alert: HandshakeFailure", "TLS: the target refused the handshake"],
  ["received fatal alert: CertificateRequired", "TLS: the target wants a client certificate"],
  ["received fatal alert: UnrecognisedName", "TLS: the target knows no such name"],
  ["received fatal alert: InternalError", "TLS: the target refused the handshake (internal error)"],
  [
    "received fatal alert: AlertDescription(0xc8)",
    "TLS: the target refused the handshake (alert description)",
  ],
];

for (const [text, detail] of tlsTexts) {
  Deno.test(`"${text.slice(0, 60)}" reads "${detail}"`, () => {
    assert.deepEqual(handshakeFaultOf(new Deno.errors.InvalidData(text)), { local: false, detail });
    const fetchError = new TypeError("error sending request", {
      cause: new Error(`client error (Connect): ${text}`),
    });
    assert.deepEqual(fetchFaultOf(fetchError), { local: false, detail });
  });
}

Deno.test("no URL of a fetch, which may hold a token, stands in what is said of its error", () => {
  const reason = "client error (Connect): tunnel error: unsuccessful";
  const texts = [
    `error sending request for url (http://db.test:8008/?token=secret): ${reason}`,
    `error sending request from 127.0.0.1:4711 for http://db.test:8008/?token=secret (10.0.0.1:8008): ${reason}`,
    `error sending request for http://db.test:8008/?token=secret: ${reason}`,
  ];
  for (const text of texts) {
    for (const error of [new TypeError(text), new TypeError("fetch failed", { cause: new Error(text) })]) {
      assert.equal(fetchFaultOf(error).detail, `"${reason}"`);
    }
  }
  const redirect = new TypeError(
    "odd: 'https://login.test/?code=secret' with base 'HTTP://db.test/?token=secret'",
  );
  assert.equal(fetchFaultOf(redirect).detail, `"odd: '...' with base '...'"`);
  // Nor do words in a URL pass for those of the error.
  const named = new TypeError(`error sending request for url (http://db.test/SupportedVersions): ${reason}`);
  assert.equal(fetchFaultOf(named).detail, `"${reason}"`);
});

Deno.test("only a handshake is said to end during the handshake", () => {
  const eof = new Deno.errors.UnexpectedEof("tls handshake eof");
  assert.equal(handshakeFaultOf(eof).detail, "connection closed during the TLS handshake");
  const reset = Object.assign(new Deno.errors.ConnectionReset("x"), { code: "ECONNRESET" });
  assert.equal(handshakeFaultOf(reset).detail, "connection reset during the TLS handshake");
  assert.equal(socketFaultOf(reset).detail, "connection reset");
});
