/** A resolver of a test's own: its hosts file, its resolver configuration, its name servers. */
import type { NameServer } from "../../lib/discovery/name_server.ts";
import {
  type Lookup,
  type Resolver,
  type ResolverOptions,
  systemResolver,
} from "../../lib/discovery/resolver.ts";
import { within } from "../support/eventually.ts";

/** What the files say; servers are given with their ports, which no file can. */
export interface WorldOptions extends Omit<ResolverOptions, "hostsPath" | "resolvConfPath"> {
  readonly hosts?: string;
  readonly resolvConf?: string;
  readonly servers: readonly NameServer[];
}

/** Dispose it to have the files removed. */
export class ResolverWorld implements Disposable {
  readonly resolver: Resolver;
  readonly folder = Deno.makeTempDirSync({ prefix: "lb-resolver-" });

  constructor({ hosts = "", resolvConf = "", ...options }: WorldOptions) {
    const hostsPath = `${this.folder}/hosts`;
    const resolvConfPath = `${this.folder}/resolv.conf`;
    this.writeHosts(hosts);
    Deno.writeTextFileSync(resolvConfPath, resolvConf);
    this.resolver = systemResolver({ hostsPath, resolvConfPath, ...options });
  }

  writeHosts(text: string): void {
    Deno.writeTextFileSync(`${this.folder}/hosts`, text);
  }

  /** Looks a name up; fails when that never ends. */
  lookup(host: string, signal: AbortSignal = new AbortController().signal): Promise<Lookup> {
    return within(`the lookup of ${host}`, this.resolver.lookup(host, signal));
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.folder, { recursive: true });
  }
}

/** The lookup that has found these. */
export function found(...addresses: readonly string[]): Lookup {
  return { kind: "found", addresses };
}

/** The lookup that has failed of this. */
export function failed(cause: string): Lookup {
  return { kind: "failed", cause };
}
