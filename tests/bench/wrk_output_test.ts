import assert from "node:assert/strict";
import { parseWrk, problemsOf } from "./wrk_output.ts";

function output({ p50 = "612.00us", p99 = "1.21ms", more = "" } = {}): string {
  return `Running 4s test @ http://127.0.0.1:40001/small
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   640.11us  201.94us   9.99ms   93.50%
    Req/Sec   101.11k     2.50k  110.00k    70.00%
  Latency Distribution
     50%  ${p50}
     75%  700.00us
     90%  800.00us
     99%  ${p99}
  404440 requests in 4.00s, 62.86MB read
${more}Requests/sec: 101110.25
Transfer/sec:     15.71MB
`;
}

Deno.test("wrk's throughput and latencies are read, whatever their unit", () => {
  const { requests, requestsPerS, p50Ms, p99Ms } = parseWrk(output({ p50: "612.00us", p99: "1.21s" }));
  assert.deepEqual({ requests, requestsPerS, p50Ms, p99Ms }, {
    requests: 404440,
    requestsPerS: 101110.25,
    p50Ms: 0.612,
    p99Ms: 1210,
  });
});

Deno.test("a clean run of wrk has no problems", () => {
  assert.deepEqual(problemsOf(parseWrk(output())), []);
});

Deno.test("socket errors and answers other than 2xx are problems", () => {
  const more = "  Socket errors: connect 0, read 3, write 0, timeout 1\n  Non-2xx or 3xx responses: 5\n";
  assert.deepEqual(problemsOf(parseWrk(output({ more }))), [
    "3 read errors",
    "1 timeout errors",
    "5 not 2xx",
  ]);
});

Deno.test("a run without a single answer is a problem", () => {
  const text = output().replace("404440 requests", "0 requests");
  assert.deepEqual(problemsOf(parseWrk(text)), ["no answer at all"]);
});

Deno.test("what is not wrk's output is refused with the text", () => {
  assert.throws(() => parseWrk("unable to connect to 127.0.0.1:1 Connection refused"), /Connection refused/);
});
