import assert from "node:assert/strict";
import {
  closedText,
  cuttingLine,
  deathLine,
  departingLine,
  drainDelayedLine,
  drainedLine,
  drainingLine,
  failedAcceptsLine,
  failedAttemptLine,
  healthLine,
  lostEventsLine,
} from "../../lib/observe/report.ts";
import { goneBeforeAccept } from "../../lib/values/words.ts";

const attempt = { session: "1.2", pool: "app", target: "db:5432", error: "connect_unreachable", ms: 12 };

Deno.test("a failed attempt says why, where its reason alone does not", () => {
  const cases: readonly [Parameters<typeof failedAttemptLine>[0], string][] = [
    [
      { ...attempt, detail: "host not found" },
      "session 1.2: app/db:5432 failed: connect_unreachable (host not found), 12 ms",
    ],
    [
      { ...attempt, detail: "EHOSTUNREACH (os error 113)" },
      "session 1.2: app/db:5432 failed: connect_unreachable (host unreachable), 12 ms",
    ],
    [
      { ...attempt, error: "connect_refused", detail: "ECONNREFUSED (os error 111)" },
      "session 1.2: app/db:5432 failed: connect_refused, 12 ms",
    ],
    [
      { ...attempt, error: "connect_timeout", detail: "timeout" },
      "session 1.2: app/db:5432 failed: connect_timeout, 12 ms",
    ],
    [attempt, "session 1.2: app/db:5432 failed: connect_unreachable, 12 ms"],
  ];
  for (const [event, message] of cases) assert.equal(failedAttemptLine(event).message, message);
  assert.deepEqual(failedAttemptLine({ ...attempt, detail: "host not found" }).fields, {
    ...attempt,
    detail: "host not found",
  });
  assert.equal("detail" in failedAttemptLine(attempt).fields!, false);
});

Deno.test("accepts that fail are a warning, unless the client was gone", () => {
  const levels = ["accept4: EMFILE (os error 24)", goneBeforeAccept, "whatever"].map(
    (cause) => failedAcceptsLine({ listener: "web", cause, count: 3 }),
  );
  assert.deepEqual(levels.map(({ level, message }) => [level, message]), [
    ["warn", "listener web: accepting failed 3 times: no free file descriptor"],
    ["debug", `listener web: accepting failed 3 times: ${goneBeforeAccept}`],
    ["warn", "listener web: accepting failed 3 times: whatever"],
  ]);
});

Deno.test("a target that goes down is a warning, one that comes up is not", () => {
  const change = { pool: "app", target: "10.0.0.1:80", from: "up", to: "down", detail: "connection refused" };
  assert.deepEqual(healthLine(change), {
    level: "warn",
    message: "target app/10.0.0.1:80 is down, was up: connection refused",
    fields: {
      pool: "app",
      target: "10.0.0.1:80",
      state: "down",
      from: "up",
      detail: "connection refused",
    },
  });
  assert.equal(healthLine({ ...change, from: "down", to: "up" }).level, "info");
});

Deno.test("a dead thread and lost events are reported with their numbers", () => {
  const death = deathLine({ worker: 1, cause: "Error: a bug", sessions: 7, restartMs: 100 });
  assert.equal(death.level, "error");
  assert.match(death.message, /thread 1 died, and 7 open sessions with it; .* in 100 ms: Error: a bug$/);
  const last = deathLine({ worker: 1, cause: "Error: a bug", sessions: 7, restartMs: null });
  assert.match(last.message, /, and 7 open sessions with it; lb is stopping without it: Error: a bug$/);
  assert.equal(last.fields?.["restartMs"], null);
  assert.match(lostEventsLine(12).message, /^12 events were dropped/);
});

Deno.test("a closed session reads as a sentence, with the targets that failed before", () => {
  const session = {
    reason: "done",
    listener: "web",
    pool: "app",
    target: "10.0.0.2:80",
    client: "192.0.2.7:5000",
    attempts: [
      { target: "10.0.0.1:80", error: "connect_refused" },
      { target: "10.0.0.2:80", error: null },
    ],
    bytes: { received: 10, sent: 2000 },
    ms: { total: 31 },
  };
  assert.equal(
    closedText(session),
    "closed done: 192.0.2.7:5000 -> web -> app/10.0.0.2:80, 10 bytes received, 2000 sent, 31 ms, " +
      "after 10.0.0.1:80 connect_refused",
  );
  assert.match(closedText({ ...session, target: null, attempts: [] }), /-> app\/-, .* 31 ms$/);
});

const open = [{ kind: "target", name: "app/10.0.0.1:80", count: 12 }, {
  kind: "listener",
  name: "old",
  count: 3,
}];

Deno.test("open sessions of what was removed are told with their number and their deadline", () => {
  assert.deepEqual(departingLine({ open, deadlineMs: 30_000, spreadMs: 5_000 }), {
    level: "info",
    message: "open sessions of what was removed end: 12 of target app/10.0.0.1:80, 3 of listener old; " +
      "cut from 30s on, over 5s",
    fields: { open, more: 0, deadlineMs: 30_000, spreadMs: 5_000 },
  });
  const { message, fields } = departingLine({ open: open.slice(1), deadlineMs: Infinity, spreadMs: 0 });
  assert.equal(message, "open sessions of what was removed end: 3 of listener old; without a deadline");
  assert.equal(fields?.["deadlineMs"], null);
});

Deno.test("a cut says how many sessions, of what, why and how fast, and names ten of many", () => {
  assert.equal(
    cuttingLine({ reason: "target_down", open: open.slice(0, 1), spreadMs: 5_000 }).message,
    "open sessions are cut over 5s, their target is down: 12 of target app/10.0.0.1:80",
  );
  const many = Array.from(
    { length: 12 },
    (_, index) => ({ kind: "target", name: `app/t${index}`, count: 1 }),
  );
  const cut = cuttingLine({ reason: "drain_deadline", open: many, spreadMs: 0 });
  const departing = departingLine({ open: many, deadlineMs: 1, spreadMs: 0 });
  for (const { fields } of [cut, departing]) {
    assert.deepEqual([fields?.["open"], fields?.["more"]], [many.slice(0, 10), 2]);
  }
  assert.match(
    cut.message,
    /^open sessions are cut at once, what they belong to was removed: .*, 1 of target app\/t9 and those of 2 more$/,
  );
});

Deno.test("a drain says what it does, and what came of it", () => {
  assert.deepEqual(
    [
      drainDelayedLine(5_000),
      drainingLine({ open: 15, deadlineMs: 30_000, spreadMs: 5_000 }),
      drainingLine({ open: 15, deadlineMs: 30_000, spreadMs: 0 }),
      drainingLine({ open: 0, deadlineMs: Infinity, spreadMs: 5_000 }),
      drainedLine({ ended: 12, cut: 3 }),
    ].map(({ message }) => message),
    [
      "no longer ready: new sessions are taken for 5s more, then lb drains",
      "draining: no new sessions, 15 open ones end, cut from 30s on, over 5s",
      "draining: no new sessions, 15 open ones end, cut in 30s",
      "draining: no new sessions, 0 open ones end, without a deadline",
      "drained: 12 sessions ended, 3 were cut",
    ],
  );
  assert.deepEqual(
    [drainingLine({ open: 15, deadlineMs: Infinity, spreadMs: 0 }), drainedLine({ ended: 12, cut: 3 })]
      .map(({ fields }) => fields),
    [{ sessions: 15, deadlineMs: null, spreadMs: 0 }, { ended: 12, cut: 3 }],
  );
});
