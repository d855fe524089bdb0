/** The text of /etc/resolv.conf, resolv.conf(5), with the bounds that glibc sets. */
import { canonicalIp } from "../values/ip.ts";
import { canonicalName, isHostName } from "./host_name.ts";

/** How names are asked for. */
export interface ResolvConf {
  /** IP literals, at least one, at most three. */
  readonly servers: readonly string[];
  /** Domains that are appended to a name, in order. */
  readonly search: readonly string[];
  /** A name with so many dots is asked for as it is before any domain is appended. */
  readonly ndots: number;
  /** For each question to each server. */
  readonly timeoutMs: number;
  /** Rounds over all servers. */
  readonly attempts: number;
}

const maxServers = 3;
/** glibc has no bound since 2.26; a lookup that fails asks once for each of them. */
const maxSearch = 32;

/** What each option may be, in the file's own unit, and what it is when the file does not say. */
const options = {
  ndots: { min: 0, max: 15, preset: 1 },
  timeout: { min: 1, max: 30, preset: 5 },
  attempts: { min: 1, max: 5, preset: 2 },
} as const;

/** Reads the text of a resolver configuration; what cannot be read in it is passed over. An empty text means 127.0.0.1. */
export function parseResolvConf(text: string): ResolvConf {
  const servers: string[] = [];
  const given = new Map<string, number>();
  let search: string[] = [];
  for (const line of text.split("\n")) {
    // As glibc has it, a keyword stands in the first column.
    const [keyword, ...words] = line.split(/\s+/).filter((word, index) => index === 0 || word !== "");
    if (keyword === "nameserver") addServer(servers, words[0] ?? "");
    if (keyword === "domain") search = domains(words.slice(0, 1));
    if (keyword === "search") search = domains(words);
    if (keyword === "options") readOptions(words, given);
  }
  const option = (name: keyof typeof options) => {
    const { min, max, preset } = options[name];
    return Math.min(Math.max(given.get(name) ?? preset, min), max);
  };
  return {
    servers: servers.length > 0 ? servers : ["127.0.0.1"],
    search,
    ndots: option("ndots"),
    timeoutMs: option("timeout") * 1000,
    attempts: option("attempts"),
  };
}

function addServer(servers: string[], written: string): void {
  // An address with a scope ("fe80::1%eth0") is passed over: Deno would hand it to getaddrinfo.
  const address = canonicalIp(written);
  if (address === undefined || servers.length >= maxServers) return;
  // "Any address" means this machine to glibc; an answer would come from another address than was asked.
  servers.push(address === "0.0.0.0" ? "127.0.0.1" : address === "::" ? "::1" : address);
}

function domains(words: readonly string[]): string[] {
  return words.map(canonicalName).filter(isHostName).slice(0, maxSearch);
}

function readOptions(words: readonly string[], given: Map<string, number>): void {
  for (const word of words) {
    const [, name, value] = /^(\w+):(\d+)$/.exec(word) ?? [];
    if (name !== undefined) given.set(name, Number(value));
  }
}
