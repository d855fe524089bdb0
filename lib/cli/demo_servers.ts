/** The demo's own targets. */

/** One of them; `address` is where it listens. */
export interface DemoServer {
  readonly name: string;
  readonly address: string;
}

/** Server C is healthy for so long, then unhealthy for so long, and so on. */
const healthyMs = 12_000;
const unhealthyMs = 6_000;

/** Starts three HTTP servers on free ports of 127.0.0.1; disposing stops them. */
export function demoServers(): AsyncDisposable & { readonly list: readonly DemoServer[] } {
  const startedAt = performance.now();
  const isHealthy = (name: string) =>
    name !== "C" || (performance.now() - startedAt) % (healthyMs + unhealthyMs) < healthyMs;
  const servers = ["A", "B", "C"].map((name) => {
    const server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      (request) => answer(request, { name, isHealthy: isHealthy(name) }),
    );
    return { name, address: `127.0.0.1:${server.addr.port}`, server };
  });
  return {
    list: servers.map(({ name, address }) => ({ name, address })),
    async [Symbol.asyncDispose]() {
      await Promise.all(servers.map(({ server }) => server.shutdown()));
    },
  };
}

function answer(request: Request, { name, isHealthy }: { name: string; isHealthy: boolean }): Response {
  if (new URL(request.url).pathname === "/health") return new Response(isHealthy ? "up" : "down");
  return new Response(`hello from server ${name}\n`, { headers: { connection: "close" } });
}
