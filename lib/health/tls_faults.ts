import { quoted } from "../values/printable.ts";

/** What keeps this process from verifying anybody; undefined = something else. */
export function caFault(text: string): string | undefined {
  if (
    !/opening CA file|add pem file to certificate store|Unknown certificate store|native cert/i.test(text)
  ) {
    return undefined;
  }
  const missing = /No such file|not found/i.test(text) ? ": no such file" : "";
  return `the CA certificates cannot be loaded (see DENO_CERT and DENO_TLS_CA_STORE)${missing}`;
}

/** Says what rustls, the library under Deno's TLS, means; undefined = the text is not about TLS. */
export function tlsFault(text: string): string | undefined {
  const certificate = /invalid peer certificate: (.*)/s.exec(text)?.[1];
  if (certificate !== undefined) return certificateFault(certificate);
  const alert = /received fatal alert: (\w+)/.exec(text)?.[1];
  if (alert !== undefined) return alertFault(alert);
  return tlsWords.find(([words]) => text.includes(words))?.[1];
}

function certificateFault(reason: string): string {
  const known = certificateWords.find(([words]) => reason.includes(words))?.[1];
  return `certificate: ${known ?? quoted(reason)}`;
}

function alertFault(name: string): string {
  const known = alertWords.get(name);
  if (known !== undefined) return `TLS: ${known}`;
  // "InternalError" reads as "internal error"; a number stays one.
  const words = name.replace(/(?<=[a-z])(?=[A-Z])/g, " ").toLowerCase();
  return `TLS: the target refused the handshake (${words})`;
}

/** A reason is a sentence with dates and names, or the name of a variant, with the version of rustls. */
const certificateWords: readonly (readonly [string, string])[] = [
  ["UnknownIssuer", "unknown issuer"],
  ["not valid for", "for another name"],
  ["NotValidForName", "for another name"],
  ["expired", "expired"],
  ["Expired", "expired"],
  ["not valid yet", "not valid yet"],
  ["NotValidYet", "not valid yet"],
  ["CaUsedAsEndEntity", "a CA's own certificate"],
  ["extended key usage", "not for servers"],
  ["InvalidPurpose", "not for servers"],
  ["evoked", "revoked"],
  ["BadSignature", "broken signature"],
  ["BadEncoding", "not readable"],
  ["UnsupportedCertVersion", "of an old version (X.509 version 3 is needed)"],
];

/** RFC 8446, section 6. */
const alertWords: ReadonlyMap<string, string> = new Map([
  ["HandshakeFailure", "the target refused the handshake"],
  ["ProtocolVersion", "no protocol version in common"],
  ["UnrecognisedName", "the target knows no such name"],
  ["CertificateRequired", "the target wants a client certificate"],
  ["BadCertificate", "the target wants a client certificate"],
  ["NoApplicationProtocol", "the target does not speak http/1.1"],
  ["CloseNotify", "the target closed during the handshake"],
]);

const tlsWords: readonly (readonly [string, string])[] = [
  // A record begins with a type that TLS does not have: the peer answers in plain text.
  ["corrupt message of type InvalidContentType", "the target does not speak TLS on this port"],
  ["received corrupt message", "TLS: broken handshake"],
  ["SupportedVersions", "TLS: no protocol version in common"],
  ["ServerDoesNotSupportTls12Or13", "TLS: no protocol version in common"],
  ["ServerTlsVersionIsDisabled", "TLS: no protocol version in common"],
  ["peer is incompatible", "TLS: no settings in common"],
  ["peer misbehaved", "TLS: broken handshake"],
  ["peer sent no certificates", "certificate: none"],
  ["unexpected message", "TLS: broken handshake"],
  ["cannot decrypt peer's message", "TLS: broken message"],
  ["Invalid hostname", "no certificate can be for this name"],
];
