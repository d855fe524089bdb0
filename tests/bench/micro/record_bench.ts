/** What a close record costs on its way: gathered by a data-plane thread, copied to the control plane, made a log line. */
import { Outbox } from "../../../lib/dataplane/outbox.ts";
import { Reporter } from "../../../lib/cli/reporter.ts";
import { LineRing } from "../../../lib/observe/line_ring.ts";
import { openLog } from "../../../lib/observe/log.ts";
import type { CloseRecord } from "../../../lib/session/record.ts";

/** Records of one report under load: 20 ms of 5,000 sessions a second. */
const batch = 100;

function record(index: number): CloseRecord {
  return {
    time: Date.now(),
    reason: "client_reset",
    id: `0.${index}`,
    listener: "web",
    pool: "app",
    target: "10.0.0.11:8080",
    client: "192.0.2.7:40312",
    attempts: [{ target: "10.0.0.11:8080", error: null, ms: 0.412 }],
    bytes: { received: 512, sent: 20_480 },
    ms: { queue: null, connect: 0.633, firstByte: 1.2, total: 15.873 },
    generation: 1,
  };
}

const records = Array.from({ length: batch }, (_, index) => record(index));

Deno.bench(`${batch} close records made`, () => {
  for (let index = 0; index < batch; index++) record(index);
});

Deno.bench(`${batch} close records gathered and copied as to another thread`, () => {
  const outbox = new Outbox((report) => structuredClone(report), () => () => {});
  for (const closed of records) outbox.closed(closed);
  outbox.flush();
});

const ring = new LineRing(LineRing.allocate());
const encoder = new TextEncoder();

/** What the main thread does with a line; the thread that writes is not measured here. */
function queue(line: string): void {
  const bytes = encoder.encode(`${line}\n`);
  ring.append(bytes);
  ring.take(bytes.length);
}

for (const format of ["json", "text"] as const) {
  const log = await openLog({
    level: "info",
    format,
    lines: { write: queue, writeBulk: queue, flush: () => Promise.resolve() },
  });
  const reporter = new Reporter({ log, limited: () => false });
  Deno.bench(
    `${batch} close records queued as ${format}`,
    () => reporter.report({ kind: "closed", records }),
  );
}
