import { isLoopback, parseAddress, type SocketAddress } from "../../values/address.ts";
import { quoted } from "../../values/printable.ts";
import { isProblem } from "../../values/problem.ts";
import type { Findings } from "../findings.ts";
import { builtIn } from "../language/built_in.ts";
import { valueAt } from "../language/layers.ts";
import { locate, type Located, type LocatedValue, type Subject } from "../yaml/located.ts";
import { byPosition, formatPath } from "../yaml/position.ts";
import { childOf, itemsOf, membersOf } from "./members.ts";

interface Bind extends Subject {
  readonly address: SocketAddress;
  readonly text: string;
  /** Not written in the file but built in: it has no position, and a clash is reported at the other one. */
  readonly builtIn: boolean;
}

/** Finds every address that a listener, or the admin server, would bind a second time. Port 0 never clashes. */
export function checkBindClashes(file: LocatedValue, findings: Findings): void {
  const binds = [...listenerBinds(file), ...adminBinds(file)].sort(byPosition);
  const bound = new BoundAddresses();
  for (const later of binds) {
    const earlier = bound.add(later);
    if (earlier === undefined) continue;
    findings.add(later, () => {
      const clash = earlier.builtIn
        ? "is the address of the admin server unless admin says otherwise"
        : `is already bound on line ${earlier.at.line} (${formatPath(earlier.path)}: ${
          quoted(earlier.text)
        })`;
      return `${quoted(later.text)} ${clash}; choose another port`;
    });
  }
}

function listenerBinds(file: LocatedValue): readonly Bind[] {
  return membersOf(file, "listeners").flatMap((listener) => {
    const bind = listener.get("bind");
    if (!listener.readable || bind === undefined) return [];
    if (listener.own("bind") !== undefined) {
      return itemsOf(bind).flatMap(({ value, located }) => toBind(value, located));
    }
    // Two listeners that inherit one bind clash; the line to open is the listener's, not the default's.
    const { keyAt, path } = listener.located;
    return itemsOf(bind).flatMap(({ value }) => toBind(value, { at: keyAt, path }));
  });
}

function toBind(value: unknown, { at, path }: Subject): readonly Bind[] {
  const address = typeof value === "string" ? parseAddress(value) : undefined;
  if (address === undefined || isProblem(address)) return [];
  return [{ address, text: String(value), at, path, builtIn: false }];
}

function adminBinds(file: LocatedValue): readonly Bind[] {
  const admin = childOf(file, "admin");
  const listen = admin === undefined ? undefined : childOf(admin, "listen");
  if (listen !== undefined) return toBind(listen.value, listen.located);
  // A value that was taken out as wrong, or the word none.
  if (admin !== undefined && (admin.value === undefined || typeof admin.value === "string")) return [];
  const nowhere: Subject = { at: { line: 0, column: 0 }, path: undefined };
  return toBind(builtIn().admin["listen"], nowhere).map((bind) => ({ ...bind, builtIn: true }));
}

const EVERY_IPV4 = "0.0.0.0";
const EVERY_IPV6 = "::";

/**
 * The addresses that are bound, each found by what it clashes with, so that 30,000 binds need not be compared with each other.
 * A name other than localhost may mean anything: it clashes only with itself.
 */
class BoundAddresses {
  /** By port and host, and by the path of a Unix socket. */
  readonly #first = new Map<string, Bind>();

  /** Adds a bind and returns the earliest that it clashes with. */
  add(bind: Bind): Bind | undefined {
    const { address } = bind;
    if (address.kind === "unix") return this.#take([address.path], { keys: [address.path], bind });
    if (address.port === 0) return undefined;
    const hosts = address.host === "localhost" ? ["127.0.0.1", "::1"] : [address.host];
    const key = (text: string) => `${address.port} ${text}`;
    return this.#take(hosts.flatMap(clashing).map(key), { keys: hosts.flatMap(names).map(key), bind });
  }

  #take(
    clashes: readonly string[],
    { keys, bind }: { readonly keys: readonly string[]; readonly bind: Bind },
  ): Bind | undefined {
    let earliest: Bind | undefined;
    for (const key of clashes) {
      const found = this.#first.get(key);
      if (found !== undefined && (earliest === undefined || byPosition(found, earliest) < 0)) {
        earliest = found;
      }
    }
    for (const key of keys) if (!this.#first.has(key)) this.#first.set(key, bind);
    return earliest;
  }
}

/** The names under which a host is filed: its own, and that of its family. */
function names(host: string): readonly string[] {
  return [host, ...family(host)];
}

/** The names under which hosts that clash with this one are filed. */
function clashing(host: string): readonly string[] {
  // [::] takes IPv4 clients as well, but leaves them to a listener on 0.0.0.0 of the same port (SO_REUSEPORT).
  if (host === EVERY_IPV4 || host === EVERY_IPV6) return family(host);
  const every = host.includes(":") ? EVERY_IPV6 : /^[\d.]+$/.test(host) ? EVERY_IPV4 : undefined;
  return every === undefined ? [host] : [host, every];
}

function family(host: string): readonly string[] {
  if (host.includes(":")) return ["any IPv6"];
  return /^[\d.]+$/.test(host) ? ["any IPv4"] : [];
}

/** Finds an address of the admin server that other machines reach although no token protects it. */
export function checkPublicAdmin(file: LocatedValue, findings: Findings): void {
  const admin = valueAt(file.value, "admin");
  const listen: Located | undefined = locate(file.located, ["admin", "listen"]);
  const text = valueAt(admin, "listen");
  const token = locate(file.located, ["admin", "tokenFile"]);
  if (listen === undefined || typeof text !== "string") return;
  if (token !== undefined && valueAt(admin, "tokenFile") !== "none") return;
  const address = parseAddress(text);
  if (isProblem(address) || isLoopback(address)) return;
  findings.add(
    listen,
    () =>
      `${quoted(text)} can be reached from other machines; write tokenFile as well, or listen on 127.0.0.1`,
  );
}
