/**
 * Questions and answers of DNS as bytes (RFC 1035, section 4). Pure.
 *
 * The records of an answer are walked through here, by the lengths that they give, and the library decodes the names and
 * addresses alone: a record of a type that nobody asked for, well formed or not, cannot make an answer unreadable.
 */
import { Buffer } from "node:buffer";
// @ts-types="./dns_packet.d.ts"
import * as packet from "dns-packet";
import { canonicalIp } from "../values/ip.ts";
import { canonicalName } from "./host_name.ts";

/** The record type that holds the addresses of one family. */
export type AddressType = "A" | "AAAA";

/** What one message asks. */
export interface Question {
  /** 0..65535, not to be guessed by others. */
  readonly id: number;
  /** A canonical name. */
  readonly name: string;
  readonly type: AddressType;
}

/** What a name server says to a question. */
export type Answer =
  /** In the server's order, each once, bounded. */
  | { readonly kind: "addresses"; readonly addresses: readonly string[] }
  /** The name exists, with no address of this type. */
  | { readonly kind: "noData" }
  /** NXDOMAIN. */
  | { readonly kind: "noSuchName" }
  | { readonly kind: "aliasLoop" }
  | { readonly kind: "refused" }
  /** The server cannot say; `code` is the field's word: SERVFAIL, FORMERR, NOTIMP or RCODE and a number. */
  | { readonly kind: "serverFailure"; readonly code: string }
  /** The answer is longer than a datagram: it can be had over TCP. */
  | { readonly kind: "truncated" };

/** A name with more addresses is used with the first of them. */
export const maxAddresses = 64;

const maxAliases = 16;
/**
 * Enough for the aliases and addresses that count, with a signature for each. Names in a record may be chains of thousands of
 * pointers, and a message by TCP holds thousands of records: reading all of them would take the thread for a second.
 */
const maxRecords = 256;
const headerBytes = 12;
const internetClass = 1;
const typeNumbers = { A: 1, CNAME: 5, AAAA: 28 } as const;
const addressBytes = { A: 4, AAAA: 16 } as const;
const responseCodes: { readonly [code: number]: string } = { 1: "FORMERR", 2: "SERVFAIL", 4: "NOTIMP" };

/** Writes the message that asks a question, recursion desired. */
export function encodeQuestion({ id, name, type }: Question): Uint8Array<ArrayBuffer> {
  const message = packet.encode({
    type: "query",
    id,
    flags: packet.RECURSION_DESIRED,
    questions: [{ name, type }],
  });
  return new Uint8Array(message);
}

/** Reads a message as the answer to a question; undefined when it is not, or cannot be read. Never throws. */
export function readAnswer(message: Uint8Array, question: Question): Answer | undefined {
  try {
    return read(Buffer.from(message.buffer, message.byteOffset, message.byteLength), question);
  } catch {
    // The library throws, with no type of its own, for whatever it cannot read, and anybody may have sent the bytes.
    return undefined;
  }
}

function read(message: Buffer, question: Question): Answer | undefined {
  if (message.length < headerBytes || message.readUInt16BE(0) !== question.id) return undefined;
  const flags = message.readUInt16BE(2);
  if ((flags & 0x8000) === 0) return undefined;
  const rcode = flags & 0xf;
  const questions = message.readUInt16BE(4);
  // A server that could not read the question repeats none.
  if (questions === 0 && rcode !== 0 && rcode !== 3) return failure(rcode);
  const asked = questions === 1 ? packet.question.decode(message, headerBytes) : undefined;
  if (
    asked === undefined || asked.class !== "IN" || asked.type !== question.type ||
    canonicalName(asked.name) !== question.name
  ) return undefined;
  if (rcode === 3) return { kind: "noSuchName" };
  if (rcode !== 0) return failure(rcode);
  if ((flags & 0x200) !== 0) return { kind: "truncated" };
  return addresses(records(message, headerBytes + packet.question.decode.bytes), question);
}

function failure(rcode: number): Answer {
  if (rcode === 5) return { kind: "refused" };
  return { kind: "serverFailure", code: responseCodes[rcode] ?? `RCODE ${rcode}` };
}

/** What an answer says about names: where they lead, and their addresses in all families that it has. */
interface Records {
  readonly aliases: ReadonlyMap<string, string>;
  readonly addresses: readonly {
    readonly name: string;
    readonly type: AddressType;
    readonly address: string;
  }[];
}

function records(message: Buffer, start: number): Records {
  const aliases = new Map<string, string>();
  const addresses: Records["addresses"][number][] = [];
  let offset = start;
  for (let left = Math.min(message.readUInt16BE(6), maxRecords); left > 0; left--) {
    const name = canonicalName(packet.name.decode(message, offset));
    offset += packet.name.decode.bytes;
    const type = message.readUInt16BE(offset);
    const recordClass = message.readUInt16BE(offset + 2);
    const length = message.readUInt16BE(offset + 8);
    const data = offset + 10;
    offset = data + length;
    if (offset > message.length) throw new RangeError("the record ends behind the message");
    if (recordClass !== internetClass) continue;
    if (type === typeNumbers.CNAME) aliases.set(name, canonicalName(packet.name.decode(message, data)));
    for (const family of ["A", "AAAA"] as const) {
      if (type !== typeNumbers[family] || length !== addressBytes[family]) continue;
      // The library's decoders begin at the length of the data.
      const decoder = family === "A" ? packet.a : packet.aaaa;
      const address = canonicalIp(decoder.decode(message, data - 2));
      if (address !== undefined) addresses.push({ name, type: family, address });
    }
  }
  return { aliases, addresses };
}

/** Follows the aliases from the name that was asked for to the addresses, in whatever order the records stand. */
function addresses({ aliases, addresses }: Records, question: Question): Answer {
  let name = question.name;
  for (let followed = 0; aliases.has(name); followed++) {
    if (followed === maxAliases) return { kind: "aliasLoop" };
    name = aliases.get(name)!;
  }
  const found = new Set<string>();
  for (const record of addresses) {
    if (record.name === name && record.type === question.type) found.add(record.address);
    if (found.size === maxAddresses) break;
  }
  return found.size === 0 ? { kind: "noData" } : { kind: "addresses", addresses: [...found] };
}
