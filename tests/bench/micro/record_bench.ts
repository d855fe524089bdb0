/** What a close record costs on its way: gathered by a data-plane thread, copied to the control plane, made a log line. */
import { Outbox } from "../../../lib/dataplane/outbox.ts";
import { Reporter } from "../../../lib/cli/reporter.ts";
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

for (const format of ["json", "text"] as const) {
  const log = await openLog({
    level: "info",
    format,
    output: { write: (bytes) => Promise.resolve(bytes.length) },
  });
  const reporter = new Reporter({ log, limited: () => false });
  Deno.bench(`${batch} close records written as ${format}`, async () => {
    reporter.report({ kind: "closed", records });
    await log.flush(1_000);
  });
}
