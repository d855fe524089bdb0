import { quoted } from "../values/printable.ts";
import { isLoopback, parseAddress, type SocketAddress } from "../values/address.ts";
import { isProblem } from "../values/problem.ts";
import { builtIn } from "./built_in.ts";
import { formatPath, type Step } from "./diagnostic.ts";
import { byPlace, itemsOf, membersOf } from "./inherited.ts";
import { valueAt } from "./layers.ts";
import { type Finding, locate, type Located, type Place } from "./located.ts";
import type { Spot } from "./sift.ts";

interface Bind {
  readonly address: SocketAddress;
  readonly text: string;
  readonly at: Place;
  readonly path: readonly Step[];
  /** Not written in the file but built in: it has no place, and the clash is told at the other one. */
  readonly builtIn: boolean;
}

/** Finds every address that a listener, or the admin server, would bind a second time. Port 0 never clashes. */
export function findBindClashes(file: Spot): readonly Finding[] {
  const binds = [...listenerBinds(file), ...adminBinds(file)].sort(byPlace);
  const findings: Finding[] = [];
  for (const [index, later] of binds.entries()) {
    const earlier = binds.slice(0, index).find((each) => overlaps(each.address, later.address));
    if (earlier === undefined) continue;
    const place = earlier.builtIn
      ? "is the address of the admin server unless admin says otherwise"
      : `is already bound on line ${earlier.at.line} (${formatPath(earlier.path)}: ${quoted(earlier.text)})`;
    findings.push({
      at: later.at,
      path: later.path,
      message: `${quoted(later.text)} ${place}; choose another port`,
    });
  }
  return findings;
}

function listenerBinds(file: Spot): readonly Bind[] {
  return membersOf(file, "listeners").flatMap((listener) => {
    const bind = listener.get("bind");
    if (!listener.readable || bind === undefined) return [];
    const inherits = !listener.located.children.has("bind");
    // Two listeners that inherit one bind clash; the line to look at is the listener's, not the default's.
    return itemsOf(bind).flatMap((item) =>
      toBind(item.value, inherits ? listener.located : item.located, inherits)
    );
  });
}

function toBind(value: unknown, located: Located, atKey: boolean): readonly Bind[] {
  const address = typeof value === "string" ? parseAddress(value) : undefined;
  if (address === undefined || isProblem(address)) return [];
  const at = atKey ? located.keyAt : located.at;
  return [{ address, text: String(value), at, path: located.path, builtIn: false }];
}

function adminBinds(file: Spot): readonly Bind[] {
  const located = locate(file.located, ["admin"]);
  const listen = locate(located, ["listen"]);
  const admin = valueAt(file.value, "admin");
  if (listen !== undefined) return toBind(valueAt(admin, "listen"), listen, false);
  if (located !== undefined && admin === undefined || typeof admin === "string") return [];
  const text = String(builtIn().admin["listen"]);
  return toBind(text, { ...file.located, at: { line: 0, column: 0 } }, false).map((bind) => ({
    ...bind,
    builtIn: true,
  }));
}

/** Finds addresses of the admin server that other machines reach although no token protects it. */
export function findPublicAdmin(file: Spot): readonly Finding[] {
  const admin = valueAt(file.value, "admin");
  const listen = locate(file.located, ["admin", "listen"]);
  const text = valueAt(admin, "listen");
  const token = locate(file.located, ["admin", "tokenFile"]);
  if (listen === undefined || typeof text !== "string") return [];
  if (token !== undefined && valueAt(admin, "tokenFile") !== "none") return [];
  const address = parseAddress(text);
  if (isProblem(address) || isLoopback(address)) return [];
  const message = `${
    quoted(text)
  } can be reached from other machines; write tokenFile as well, or listen on 127.0.0.1`;
  return [{ at: listen.at, path: listen.path, message }];
}

function overlaps(a: SocketAddress, b: SocketAddress): boolean {
  if (a.kind === "unix" || b.kind === "unix") {
    return a.kind === "unix" && b.kind === "unix" && a.path === b.path;
  }
  if (a.port !== b.port || a.port === 0) return false;
  const hostsOfA = families(a.host);
  return families(b.host).some((host) => hostsOfA.some((other) => sameHost(host, other)));
}

/** A name other than localhost may mean anything: it clashes only with itself. */
function families(host: string): readonly string[] {
  return host === "localhost" ? ["127.0.0.1", "::1"] : [host];
}

function sameHost(a: string, b: string): boolean {
  if (a === b) return true;
  const wildcard = a === "0.0.0.0" || a === "::" ? a : b;
  const other = wildcard === a ? b : a;
  if (wildcard === "0.0.0.0") return /^[\d.]+$/.test(other);
  // [::] takes IPv4 clients as well, but leaves them to a listener on 0.0.0.0 of the same port (SO_REUSEPORT).
  return wildcard === "::" && other.includes(":");
}
