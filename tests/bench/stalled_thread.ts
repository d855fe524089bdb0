/** A data-plane thread as it is, that also measures for how long its event loop stands still. */
import "../../lib/dataplane/worker.ts";

let worst = 0;
let last = performance.now();

setInterval(() => {
  const now = performance.now();
  worst = Math.max(worst, now - last);
  last = now;
}, 1);

const channel = new BroadcastChannel("stalls");
channel.onmessage = ({ data }) => {
  if (data !== "ask") return;
  channel.postMessage({ worst });
  worst = 0;
};
