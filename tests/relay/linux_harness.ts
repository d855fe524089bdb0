import { linuxEngine } from "../../lib/relay/linux/engine.ts";
import { openLibc } from "../../lib/relay/linux/libc.ts";
import { Reactor } from "../../lib/relay/linux/reactor.ts";
import type { Harness } from "./harness.ts";
import { type MakeEngine, tcpHarness, type TestedEngine, unixHarness } from "./portable_harness.ts";

/** A linux engine in this thread, beside Deno's own event loop: it never waits in the kernel, and is polled each millisecond. */
function polledEngine({ onFault }: Parameters<MakeEngine>[0]): TestedEngine {
  const reactor = new Reactor(openLibc(), { onFault });
  const engine = linuxEngine({ reactor });
  let open = true;
  // On Deno 2.4 an interval that is cleared may still call once.
  const timer = setInterval(() => open && reactor.poll(0), 1);
  return {
    ...engine,
    [Symbol.dispose]() {
      open = false;
      clearInterval(timer);
      engine[Symbol.dispose]();
      reactor[Symbol.dispose]();
    },
  };
}

/** The kernel's sockets, where there are any. */
export const linuxHarnesses: readonly Harness[] = Deno.build.os !== "linux" ? [] : [
  tcpHarness("127.0.0.1", { name: "linux", engine: polledEngine, lacks: {} }),
  tcpHarness("::1", { name: "linux", engine: polledEngine, lacks: {} }),
  unixHarness({
    name: "linux",
    engine: polledEngine,
    lacks: { "engine resets": "a unix socket knows no RST" },
  }),
];
