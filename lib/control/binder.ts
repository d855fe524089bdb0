/** Binds what a new model adds, in all threads, or says why that cannot be. */
import type { Config } from "../config/config.ts";
import type { Resolver } from "../discovery/resolver.ts";
import type { Clock } from "../values/clock.ts";
import type { Bind } from "../dataplane/messages.ts";
import { formatAddress, type SocketAddress } from "../values/address.ts";
import { changeBetween } from "./change.ts";
import { bindKey } from "./keys.ts";
import { ListenError, overlaps, removeStale, type whyTaken } from "./listeners.ts";
import { bindHostsOf, bindsOf, type Model, withBinds } from "./model.ts";
import { ThreadBindError } from "./thread.ts";
import { type ThreadGroup, ThreadsBusyError } from "./threads.ts";

/** How long the host names of binds are looked up. */
const maxLookupMs = 5_000;

/** Nothing was changed. */
export interface Refused {
  readonly kind: "refused";
  readonly problem: string;
  /** The address that cannot be listened on, where that is the problem. */
  readonly listenError?: ListenError;
}

/** An address of a host name that this machine does not have, and that is left out. */
export interface SkippedBind {
  readonly listener: string;
  readonly address: string;
  readonly why: string;
}

export interface BinderOptions {
  readonly threads: Pick<ThreadGroup, "bind">;
  readonly resolver: Resolver;
  readonly clock: Clock;
  /** Why an address cannot be bound; undefined = it can. */
  readonly whyTaken: typeof whyTaken;
  /** Keeps other processes from binding meanwhile. */
  readonly acquireBindMutex: () => Promise<Disposable>;
  readonly onSkipped: (skipped: SkippedBind) => void;
}

export class Binder {
  readonly #options: BinderOptions;
  /** What host names of binds stand for, as of the last lookup that found any. */
  #addresses: ReadonlyMap<string, readonly string[]> = new Map();

  constructor(options: BinderOptions) {
    this.#options = options;
  }

  /** Looks up the host names that listeners are to be bound to; a known one keeps its answer when that fails. */
  async lookUp(config: Config): Promise<Refused | undefined> {
    const addresses = new Map(this.#addresses);
    const limit = new AbortController();
    const { clock, resolver } = this.#options;
    const cancel = clock.after(maxLookupMs, () => limit.abort());
    try {
      for (const host of bindHostsOf(config)) {
        const lookup = await resolver.lookup(host, limit.signal);
        if (lookup.kind === "found") addresses.set(host, lookup.addresses);
        else if (!addresses.has(host)) return unknownHost(config, { host, cause: lookup.cause });
      }
    } finally {
      cancel();
    }
    this.#addresses = addresses;
    return undefined;
  }

  /** The addresses to bind for a host name. */
  addressesOf(host: string): readonly string[] {
    return this.#addresses.get(host) ?? [];
  }

  /**
   * Binds what `planned` has and `current` has not, all of it or nothing. Returns the model with the addresses in fact bound,
   * and the keys of the new binds.
   */
  async bind(
    current: Model,
    planned: Model,
  ): Promise<{ readonly kind: "bound"; readonly model: Model; readonly added: readonly string[] } | Refused> {
    const clash = whyClashing(planned);
    if (clash !== undefined) return { kind: "refused", problem: clash };
    const { added } = changeBetween(current, planned).binds;
    if (added.length === 0) return { kind: "bound", model: planned, added: [] };
    using _mutex = await this.#options.acquireBindMutex();
    const ofNames = this.#bindsOfNames(planned.config);
    const missing = new Map<string, ListenError>();
    for (const bind of added) {
      const problem = await this.#whyNot(bind, { current, planned });
      if (problem === undefined) continue;
      if (!isMissing(problem) || !ofNames.some((keys) => keys.includes(bind.key))) return refusedBy(problem);
      missing.set(bind.key, problem);
    }
    // A host name that would be bound nowhere is no listener.
    const nowhere = ofNames.find((keys) => keys.every((key) => missing.has(key)));
    if (nowhere !== undefined) return refusedBy(missing.get(nowhere[0]!)!);
    for (const { listener, address, message } of missing.values()) {
      this.#options.onSkipped({ listener, address: formatAddress(address), why: message });
    }
    try {
      const wanted = added.filter(({ key }) => !missing.has(key));
      const bound = new Map((await this.#options.threads.bind(wanted)).map((bind) => [bind.key, bind]));
      const model = withBinds(
        planned,
        (bind) => missing.has(bind.key) ? undefined : bound.get(bind.key) ?? bind,
      );
      return { kind: "bound", model, added: [...bound.keys()] };
    } catch (error) {
      if (error instanceof ThreadsBusyError) return { kind: "refused", problem: error.message };
      if (!(error instanceof ThreadBindError)) throw error;
      return refusedBy(new ListenError(ownerOf(planned, error.key), error.failure));
    }
  }

  /** Why an address cannot be bound; undefined = it can. */
  async #whyNot(
    bind: Bind,
    { current, planned }: { readonly current: Model; readonly planned: Model },
  ): Promise<ListenError | undefined> {
    const { address } = bind;
    try {
      await removeStale(address);
    } catch {
      // What stands in the way is said by the check that follows.
    }
    if (overlaps(bind, bindsOf(current))) return undefined;
    const failure = await this.#options.whyTaken(address);
    return failure && new ListenError(ownerOf(planned, bind.key), failure);
  }

  /** The keys of the binds that each host name of a listener stands for. */
  #bindsOfNames({ listeners }: Config): string[][] {
    const all = listeners.flatMap(({ name, bind }) =>
      bind.map((address, index) => {
        if (address.kind === "unix") return [];
        const hosts = this.addressesOf(address.host);
        return hosts.map((host) => bindKey({ ...address, host }, { listener: name, index }));
      })
    );
    return all.filter((keys) => keys.length > 0);
  }
}

/** Whether this machine does not have the address: a hosts file names ::1 also where there is no IPv6. */
function isMissing({ failure: { code } }: ListenError): boolean {
  return code === "EADDRNOTAVAIL" || code === "EAFNOSUPPORT";
}

function refusedBy(listenError: ListenError): Refused {
  return { kind: "refused", problem: listenError.message, listenError };
}

/** Which listener a bind belongs to, for messages. */
function ownerOf({ listeners }: Model, key: string): { listener: string; address: SocketAddress } {
  for (const { config, binds } of listeners) {
    const bind = binds.find((bind) => bind.key === key);
    if (bind !== undefined) return { listener: config.name, address: bind.address };
  }
  throw new Error(`no listener has the bind ${key}`);
}

function unknownHost({ listeners }: Config, { host, cause }: { host: string; cause: string }): Refused {
  for (const { name, bind } of listeners) {
    const address = bind.find((address) => address.kind === "tcp" && address.host === host);
    if (address === undefined) continue;
    return refusedBy(new ListenError({ listener: name, address }, { code: undefined, message: cause }));
  }
  throw new Error(`no listener is bound to ${host}`);
}

/** Which address two binds stand for, if any do: only host names can make that happen unseen by the check of the file. */
function whyClashing(model: Model): string | undefined {
  const owners = new Map<string, string>();
  for (const { config, binds } of model.listeners) {
    for (const { key, address } of binds) {
      const other = owners.get(key);
      if (other !== undefined) {
        const who = other === config.name
          ? `listener ${other} twice`
          : `listeners ${other} and ${config.name}`;
        return `${who}: bound to ${
          formatAddress(address)
        } by different names; choose another port for one of them`;
      }
      owners.set(key, config.name);
    }
  }
  return undefined;
}
