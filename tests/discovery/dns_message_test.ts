import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import * as packet from "dns-packet";
import fc from "fast-check";
import { encodeQuestion, maxAddresses, type Question, readAnswer } from "../../lib/discovery/dns_message.ts";

const question: Question = { id: 0x1234, name: "app.test", type: "A" };

interface Parts {
  readonly id?: number;
  readonly type?: "query" | "response";
  readonly flags?: number;
  readonly questions?: readonly { readonly name: string; readonly type: string }[];
  readonly answers?: readonly { readonly name: string; readonly type: string; readonly data: unknown }[];
}

function message(parts: Parts): Uint8Array {
  const whole = { id: question.id, type: "response", questions: [{ name: "app.test", type: "A" }], ...parts };
  return new Uint8Array(packet.encode(whole));
}

const answers = [{ name: "app.test", type: "A", data: "10.0.0.1" }];

Deno.test("a question is one of class IN, recursion desired", () => {
  const { type, id, flags, questions } = packet.decode(Buffer.from(encodeQuestion(question)));
  assert.deepEqual({ type, id, flags, questions }, {
    type: "query",
    id: 0x1234,
    flags: packet.RECURSION_DESIRED,
    questions: [{ name: "app.test", type: "A", class: "IN" }],
  });
});

Deno.test("an answer gives the addresses of the type that was asked for, each once, in its order", () => {
  const read = readAnswer(
    message({
      questions: [{ name: "APP.test", type: "A" }],
      answers: [
        { name: "App.Test", type: "A", data: "10.0.0.2" },
        { name: "app.test", type: "AAAA", data: "::1" },
        { name: "other.test", type: "A", data: "10.0.0.9" },
        { name: "app.test", type: "A", data: "10.0.0.1" },
        { name: "app.test", type: "A", data: "10.0.0.2" },
      ],
    }),
    question,
  );
  assert.deepEqual(read, { kind: "addresses", addresses: ["10.0.0.2", "10.0.0.1"] });
});

Deno.test("records behind the first 256 are not read, so that a message of thousands takes no time", () => {
  const others = (count: number) =>
    Array.from({ length: count }, () => ({ name: "other.test", type: "A", data: "10.0.0.9" }));
  const found = { kind: "addresses", addresses: ["10.0.0.1"] };
  assert.deepEqual(readAnswer(message({ answers: [...others(255), ...answers] }), question), found);
  assert.deepEqual(readAnswer(message({ answers: [...others(256), ...answers] }), question), {
    kind: "noData",
  });
});

Deno.test("what has another id, another question or no mark of an answer is no answer", () => {
  assert.equal(readAnswer(message({ answers, id: 0x1235 }), question), undefined);
  assert.equal(readAnswer(message({ answers, type: "query" }), question), undefined);
  assert.equal(
    readAnswer(message({ answers, questions: [{ name: "ap.test", type: "A" }] }), question),
    undefined,
  );
  assert.equal(
    readAnswer(message({ answers, questions: [{ name: "app.test", type: "AAAA" }] }), question),
    undefined,
  );
  assert.equal(readAnswer(message({ answers, questions: [] }), question), undefined);
  assert.deepEqual(readAnswer(message({ answers }), question), {
    kind: "addresses",
    addresses: ["10.0.0.1"],
  });
});

Deno.test("the codes of DNS are distinguished, with and without the question repeated", () => {
  const kinds = [1, 2, 3, 4, 5, 9].map((flags) => readAnswer(message({ flags }), question));
  assert.deepEqual(kinds, [
    { kind: "serverFailure", code: "FORMERR" },
    { kind: "serverFailure", code: "SERVFAIL" },
    { kind: "noSuchName" },
    { kind: "serverFailure", code: "NOTIMP" },
    { kind: "refused" },
    { kind: "serverFailure", code: "RCODE 9" },
  ]);
  assert.deepEqual(readAnswer(message({ flags: 5, questions: [] }), question), { kind: "refused" });
  // That a name does not exist must be said of this name.
  assert.equal(readAnswer(message({ flags: 3, questions: [] }), question), undefined);
  assert.deepEqual(readAnswer(message({ flags: packet.TRUNCATED_RESPONSE }), question), {
    kind: "truncated",
  });
  assert.deepEqual(readAnswer(message({}), question), { kind: "noData" });
});

Deno.test("aliases are followed in whatever order they stand, and a loop ends", () => {
  const chain = [
    { name: "c.test", type: "A", data: "10.0.0.3" },
    { name: "b.test", type: "CNAME", data: "C.test" },
    { name: "app.test", type: "CNAME", data: "b.test" },
  ];
  assert.deepEqual(readAnswer(message({ answers: chain }), question), {
    kind: "addresses",
    addresses: ["10.0.0.3"],
  });
  const loop = [...chain.slice(1), { name: "c.test", type: "CNAME", data: "app.test" }];
  assert.deepEqual(readAnswer(message({ answers: loop }), question), { kind: "aliasLoop" });
  assert.deepEqual(readAnswer(message({ answers: chain.slice(1) }), question), { kind: "noData" });
});

Deno.test("a name with thousands of addresses is used with the first of them", () => {
  const many = Array.from({ length: 3000 }, (_, n) => ({
    name: "app.test",
    type: "A",
    data: `10.0.${n >> 8}.${n & 255}`,
  }));
  const read = readAnswer(message({ answers: many }), question);
  assert(read?.kind === "addresses");
  assert.equal(read.addresses.length, maxAddresses);
  assert.equal(read.addresses[63], "10.0.0.63");
});

Deno.test("a record that cannot be read, of a type that nobody asked for, spoils nothing", () => {
  // A signature whose data are shorter than a signature's: type 46 in place of the text's 16.
  const bytes = message({ answers: [{ name: "z.test", type: "TXT", data: "x" }, ...answers] });
  const at = bytes.findIndex((byte, index) =>
    byte === 0 && bytes[index + 1] === 16 && bytes[index + 3] === 1
  );
  bytes[at + 1] = 46;
  assert.throws(() => packet.decode(Buffer.from(bytes)));
  assert.deepEqual(readAnswer(bytes, question), { kind: "addresses", addresses: ["10.0.0.1"] });
});

Deno.test("an address of the wrong length is none", () => {
  const bytes = message({ answers: [{ name: "app.test", type: "TXT", data: "abc" }] });
  const at = bytes.findIndex((byte, index) =>
    byte === 0 && bytes[index + 1] === 16 && bytes[index + 3] === 1
  );
  bytes[at + 1] = 1;
  assert.equal(bytes[at + 9], 4, "as long as an address");
  assert.deepEqual(readAnswer(bytes, question), { kind: "addresses", addresses: ["3.97.98.99"] });
  bytes[at + 9] = 3;
  assert.deepEqual(readAnswer(bytes.subarray(0, -1), question), { kind: "noData" });
});

Deno.test("an answer that is cut in its last record is none, rather than one without an address", () => {
  assert.equal(readAnswer(message({ answers }).subarray(0, -1), question), undefined);
});

Deno.test("no bytes make the reading of an answer throw", () => {
  const valid = message({
    answers: [
      { name: "app.test", type: "CNAME", data: "b.test" },
      { name: "b.test", type: "A", data: "10.0.0.1" },
      { name: "b.test", type: "AAAA", data: "::1" },
    ],
  });
  const header = fc.uint8Array({ minLength: 0, maxLength: 80 }).map((rest) =>
    Uint8Array.of(0x12, 0x34, 0x80, 0, 0, 1, 0xff, 0xff, 0, 0, 0, 0, ...rest)
  );
  const mutated = fc.tuple(
    fc.array(fc.tuple(fc.nat(valid.length - 1), fc.nat(255)), { maxLength: 8 }),
    fc.nat(valid.length),
  ).map(([changes, length]) => {
    const bytes = valid.slice();
    for (const [at, byte] of changes) bytes[at] = byte;
    return bytes.subarray(0, length);
  });
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 100 }), header, mutated), (bytes) => {
      const read = readAnswer(bytes, question);
      if (read?.kind !== "addresses") return;
      for (const address of read.addresses) assert.match(address, /^\d+\.\d+\.\d+\.\d+$/);
    }),
    { numRuns: 3000 },
  );
});
