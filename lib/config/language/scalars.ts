import { parseAddress, type SocketAddress, type TcpAddress } from "../../values/address.ts";
import { formatDuration, parseDuration } from "../../values/duration.ts";
import { quoted } from "../../values/printable.ts";
import { isProblem, type Problem } from "../../values/problem.ts";
import { parseShare } from "../../values/share.ts";
import { nearest } from "./suggestions.ts";
import * as v from "./valibot.ts";

/** The JSON Schema of one scalar. */
export type JsonScalar = { readonly [key: string]: unknown };

/** A phrase after the value found; `shown` stands in for a value that must not be repeated, such as a password. */
export interface ScalarProblem extends Problem {
  readonly shown?: string;
}

/** Reads a scalar of the file into a value, or says what is wrong with it. */
export type Read<T> = (found: unknown) => T | ScalarProblem;

/** A schema of one scalar; carries its JSON Schema, which cannot be derived from the reading function. */
export type ScalarShape<T> = v.GenericSchema<unknown, T> & {
  readonly read: Read<T>;
  readonly json: JsonScalar;
  /** True where a text in quotes that came from the environment is read as the number that it is. */
  readonly numeric: boolean;
};

/** Whether a limit may be switched off. */
export interface Off {
  readonly none?: boolean;
}

/** The largest delay a timer takes is 2^31-1 ms; this is the whole number of days below it. */
const MAX_MS = 576 * 3_600_000;

/** Makes a schema from a reading function, which is never asked about nothing; `json` describes what it accepts. */
export function scalar<T>(read: Read<T>, json: JsonScalar): ScalarShape<T> {
  const readAny: Read<T> = (found) => found === null || found === undefined ? NOTHING : read(found);
  const schema = v.pipe(
    v.unknown(),
    v.rawTransform<unknown, T>(({ dataset, addIssue, NEVER }) => {
      const result = readAny(dataset.value);
      if (!isProblem(result)) return result;
      addIssue({ message: result.problem });
      return NEVER;
    }),
  );
  return Object.assign(schema, { read: readAny, json, numeric: false });
}

const NOTHING: Problem = { problem: "is written here; write a value or remove the key" };

function numeric<T>(shape: ScalarShape<T>): ScalarShape<T> {
  return Object.assign(shape, { numeric: true });
}

/** A duration in ms, `fromMs` (1 if left out) to 576h (24 days); `none` reads as Infinity where it is allowed. */
export function duration(
  description: string,
  { none = false, fromMs = 1 }: Off & { readonly fromMs?: number } = {},
): ScalarShape<number> {
  const wanted = `write a duration from ${formatDuration(fromMs)} to ${formatDuration(MAX_MS)}, such as "5s"`;
  return scalar<number>((found) => {
    if (found === "none") return none ? Infinity : { problem: `is not possible here; ${wanted}` };
    if (meansOff(found) && none) return { problem: `does not mean "off" or "no limit"; write none` };
    const ms = typeof found === "string" || isWhole(found) ? parseDuration(String(found)) : undefined;
    if (ms === undefined) return { problem: `is not a duration; ${wanted}${none ? " or none" : ""}` };
    if (isProblem(ms)) return ms;
    if (ms === 0 && none) return { problem: `does not mean "off" or "no limit"; write none` };
    return ms >= fromMs && ms <= MAX_MS ? ms : { problem: `is out of range; ${wanted}` };
  }, { description, type: "string", pattern: durationPattern({ none, isZeroAllowed: fromMs === 0 }) });
}

function durationPattern(
  { none, isZeroAllowed }: { readonly none: boolean; readonly isZeroAllowed: boolean },
): string {
  // Something must follow that is a digit, or a digit other than 0 somewhere.
  const some = isZeroAllowed ? "(?=\\d)" : "(?=[\\dhms]*[1-9])";
  const form = `${some}(?:\\d+h)?(?:\\d+m)?(?:\\d+s)?(?:\\d+ms)?`;
  return none ? `^(?:none|${form})$` : `^${form}$`;
}

/** A whole number from `from` to `to`; `none` reads as Infinity where it is allowed. */
export function count(
  description: string,
  { from, to, none = false }: Off & { readonly from: number; readonly to: number },
): ScalarShape<number> {
  const wanted = `write a whole number from ${from} to ${to}${none ? " or none" : ""}`;
  const number = { type: "integer", minimum: from, maximum: to };
  const read: Read<number> = (found) => {
    if (found === "none" && none) return Infinity;
    if (none && from > 0 && meansOff(found)) return { problem: `does not mean "no limit"; write none` };
    if (typeof found === "string" && /^-?\d{1,9}$/.test(found)) {
      return { problem: `is a text; write ${Number(found)} without quotes` };
    }
    if (typeof found !== "number") return { problem: `is not a number; ${wanted}` };
    if (!Number.isInteger(found)) return { problem: `is not a whole number; ${wanted}` };
    return found >= from && found <= to ? found : { problem: `is out of range; ${wanted}` };
  };
  return numeric(
    scalar(read, none ? { description, anyOf: [number, { const: "none" }] } : { description, ...number }),
  );
}

/** As `count`, or the word auto. */
export function countOrAuto(
  description: string,
  { from, to }: { readonly from: number; readonly to: number },
): ScalarShape<number | "auto"> {
  const wanted = `write auto or a whole number from ${from} to ${to}`;
  const read: Read<number | "auto"> = (found) => {
    if (found === "auto") return found;
    if (typeof found !== "number" || !Number.isInteger(found)) {
      return { problem: `is not a whole number; ${wanted}` };
    }
    return found >= from && found <= to ? found : { problem: `is out of range; ${wanted}` };
  };
  const json = { description, anyOf: [{ type: "integer", minimum: from, maximum: to }, { const: "auto" }] };
  return numeric(scalar(read, json));
}

/** The number 1. */
export function languageVersion(description: string): ScalarShape<1> {
  const problem: Problem = { problem: "is not a version of this language; write version: 1" };
  return numeric(scalar<1>((found) => (found === 1 ? 1 : problem), { description, const: 1 }));
}

/** A share as a fraction, above 0 to 1; `none` reads as 0 where it is allowed. */
export function share(description: string, { none = false }: Off = {}): ScalarShape<number> {
  return scalar<number>((found) => {
    if (found === "none" && none) return 0;
    if (typeof found !== "string" && typeof found !== "number") {
      return { problem: `is not a share; write a percentage such as "10%"` };
    }
    if (found === 0) return zeroShare(none);
    const fraction = parseShare(String(found));
    return fraction === 0 ? zeroShare(none) : fraction;
  }, { description, type: "string", pattern: none ? "^(?:none|\\d+(?:\\.\\d+)?%)$" : "^\\d+(?:\\.\\d+)?%$" });
}

function zeroShare(none: boolean): Problem {
  return {
    problem: none ? `does not mean "off"; write none` : `is out of range; write a share from "1%" to "100%"`,
  };
}

/** One of a few words; `noun` names them in a message ("an algorithm"), `peers` maps other programs' words to them. */
export function word<const W extends string>(
  description: string,
  options: {
    readonly noun: string;
    readonly words: readonly W[];
    readonly peers?: Readonly<Record<string, string>>;
  },
): ScalarShape<W> {
  const { noun, words, peers = {} } = options;
  return scalar<W>((found) => {
    const known = words.find((each) => each === found);
    if (known !== undefined) return known;
    const guess = typeof found === "string" ? nearest(found, words, peers) : undefined;
    const list = words.length === 1 ? words[0] : `one of ${words.join(", ")}`;
    return {
      problem: `is not ${noun}; ${guess === undefined ? `write ${list}` : `did you mean "${guess}"?`}`,
    };
  }, { description, enum: words });
}

/** A text that passes `test`; for a number or boolean the answer is to put it in quotes. */
export function text(
  description: string,
  options: { readonly wanted: string; readonly test: RegExp },
): ScalarShape<string> {
  return scalar<string>((found) => {
    if (typeof found === "number" || typeof found === "boolean") {
      return { problem: `is not a text; write ${quoted(String(found))} in quotes` };
    }
    if (typeof found === "string" && options.test.test(found)) return found;
    return { problem: `is not possible here; write ${options.wanted}` };
  }, { description, type: "string", pattern: options.test.source });
}

/** As `text`, and `none` reads as undefined. */
export function textOrNone(
  description: string,
  options: { readonly wanted: string; readonly test: RegExp },
): ScalarShape<string | undefined> {
  const { read, json } = text(description, { ...options, wanted: `${options.wanted}, or none` });
  return scalar((found) => (found === "none" ? undefined : read(found)), json);
}

/** The word none, for what can be switched off as a whole; reads as undefined. */
export function none(description: string, keys: string): ScalarShape<undefined> {
  return scalar<undefined>(
    (
      found,
    ) => (found === "none"
      ? undefined
      : { problem: `is not possible here; write none, or keys such as ${keys}` }),
    { description, const: "none" },
  );
}

/** Where a listener or the admin server listens: "host:port", "[ipv6]:port" or "unix:/path"; port 0 means any free one. */
export function listenAddress(description: string): ScalarShape<SocketAddress> {
  return scalar<SocketAddress>((found) => {
    if (typeof found === "number") return { problem: `is only a number; write "0.0.0.0:${found}"` };
    return typeof found === "string"
      ? parseAddress(found)
      : { problem: `is not an address; write "0.0.0.0:8080"` };
  }, { description, type: "string" });
}

/** Where a target serves: "host:port" with a port from 1; nothing can be reached at port 0. */
export function targetAddress(description: string): ScalarShape<TcpAddress> {
  return scalar<TcpAddress>((found) => {
    if (typeof found === "number") return { problem: `is only a number; write "127.0.0.1:${found}"` };
    if (typeof found !== "string") {
      return { problem: `is not a target; write "host:port" or keys such as address` };
    }
    const address = parseAddress(found);
    if (isProblem(address)) return address;
    if (address.kind === "unix") {
      return { problem: `is a Unix socket, which a target cannot be; write "host:port"` };
    }
    return address.port > 0
      ? address
      : { problem: "has port 0, where nothing can serve; write a port from 1 to 65535" };
  }, { description, type: "string" });
}

function isWhole(found: unknown): boolean {
  return typeof found === "number" && Number.isInteger(found) && found >= 0 && found < 1e9;
}

function meansOff(found: unknown): boolean {
  return found === 0 || found === -1 || found === false || found === "0" || found === "off" ||
    found === "unlimited";
}
