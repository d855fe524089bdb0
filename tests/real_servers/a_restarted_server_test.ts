/** Clients that come all the time while their only server is killed and started again, through lb and through HAProxy. */
import assert from "node:assert/strict";
import { Daemon } from "../support/daemon.ts";
import { figure } from "../support/figure.ts";
import { type LogLine, RunningLb } from "../support/lb.ts";
import { testWith } from "../support/needs.ts";
import { soak } from "../support/soak.ts";
import { nginx } from "./nginx.ts";
import { postgres, postgresObstacle } from "./postgres.ts";

/** Clients of each balancer that are under way at a time. */
const lanes = 4;
/** In the short form with time to spare: a server may be slow to start again, and a probe late. */
const awayMs = soak ? 2_000 : 1_000;
const aroundMs = soak ? 5_000 : 1_000;

interface Service {
  readonly name: string;
  readonly programs: readonly string[];
  readonly obstacle?: string | undefined;
  start(): Promise<Daemon>;
  /** One client, which exits with 0 where it was served. */
  client(port: number): readonly string[];
}

/** PostgreSQL accepts connections before it can serve them, and says so: that is an answer, and its client asks again. */
const askingUntilReady = `until said=$(psql -h 127.0.0.1 -p "$1" -U lb -c 'select 1' postgres 2>&1); do
  case $said in *"system is starting up"* | *"in recovery mode"*) sleep 0.05 ;; *) exit 1 ;; esac
done`;

const services: readonly Service[] = [
  {
    name: "redis-cli",
    programs: ["redis-server", "redis-cli"],
    start: () =>
      Daemon.start(({ port, folder }) => [
        ...["redis-server", "--port", `${port}`, "--bind", "127.0.0.1"],
        ...["--dir", folder, "--save", "", "--appendonly", "no"],
      ]),
    client: (port) => ["redis-cli", "-e", "-p", `${port}`, "incr", "visits"],
  },
  {
    name: "curl",
    programs: ["nginx", "curl"],
    start: () => nginx(),
    client: (port) => ["curl", "--silent", "--fail", `http://127.0.0.1:${port}/small`],
  },
  {
    name: "mosquitto_pub",
    programs: ["mosquitto", "mosquitto_pub"],
    start: () => Daemon.start(({ port }) => ["mosquitto", "-p", `${port}`]),
    client: (port) => ["mosquitto_pub", "-q", "1", "-p", `${port}`, "-t", "visits", "-m", "one"],
  },
  {
    name: "psql",
    programs: [],
    obstacle: postgresObstacle(),
    start: () => postgres(),
    client: (port) => ["sh", "-c", askingUntilReady, "sh", `${port}`],
  },
];

/** Clients in a loop, until stopped. */
class Loop {
  served = 0;
  failed = 0;
  readonly #command: readonly string[];
  readonly #lanes: Promise<unknown>;
  #stopped = false;

  constructor(command: readonly string[]) {
    this.#command = command;
    this.#lanes = Promise.all(Array.from({ length: lanes }, () => this.#lane()));
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#lanes;
  }

  async #lane(): Promise<void> {
    const [program, ...args] = this.#command;
    while (!this.#stopped) {
      const command = new Deno.Command(program!, { args, stdin: "null", stdout: "null", stderr: "null" });
      const { success } = await command.spawn().status;
      if (success) this.served++;
      else this.failed++;
    }
  }
}

function haproxy({ address }: Daemon): Promise<Daemon> {
  return Daemon.start(({ port, folder }) => {
    const path = `${folder}/haproxy.cfg`;
    Deno.writeTextFileSync(
      path,
      `defaults
  mode tcp
  retries 3
  timeout connect 5s
  timeout client 60s
  timeout server 60s
listen web
  bind 127.0.0.1:${port}
  server one ${address}
`,
    );
    return ["haproxy", "-db", "-f", path];
  });
}

/** The server is killed, and back a while later; who fails meanwhile is counted for each balancer. */
async function restarted(
  service: Service,
  pool: string,
): Promise<{ lb: Loop; haproxy: Loop; refused: readonly LogLine[] }> {
  await using server = await service.start();
  await using peer = await haproxy(server);
  await using lb = await RunningLb.start(`log: { access: all }
listeners: { web: { bind: "127.0.0.1:0", pool: app } }
pools: { app: { targets: ["${server.address}"], ${pool} } }
`);
  const loops = { lb: new Loop(service.client(lb.port())), haproxy: new Loop(service.client(peer.port)) };
  const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
  try {
    await pause(aroundMs);
    await server.kill();
    await pause(awayMs);
    await server.restart();
    await pause(aroundMs);
  } finally {
    await Promise.all([loops.lb.stop(), loops.haproxy.stop()]);
  }
  return { ...loops, refused: lb.records.filter(({ target }) => target === null) };
}

// As many attempts as HAProxy makes, each a second after the one before.
const retrying = "health: none, retry: { attempts: 4 }";
const holding = "health: { interval: 500ms, fastInterval: 200ms, downInterval: 500ms, rise: 1 }, hold: 10s";

for (const service of services) {
  const needs = { programs: [...service.programs, "haproxy", "setsid"], obstacle: service.obstacle };
  testWith(
    needs,
    `a server that is away for a moment costs ${service.name} no more than behind HAProxy`,
    async () => {
      const { lb, haproxy, refused } = await restarted(service, retrying);
      assert.ok(lb.served > 0 && haproxy.served > 0);
      assert.deepEqual(refused, []);
      // Whom the server had inside when it was killed is chance, for each of the two.
      const most = haproxy.failed + lanes;
      figure(`failures of ${service.name}, HAProxy has ${haproxy.failed}`, {
        row: 102,
        is: lb.failed,
        most,
        unit: "clients",
      });
      assert.ok(lb.failed <= most, `${lb.failed} failed, behind HAProxy ${haproxy.failed}`);
    },
  );

  testWith(
    needs,
    `with hold, a server that is away for a moment costs ${service.name} whom it had inside alone`,
    async () => {
      const { lb, refused } = await restarted(service, holding);
      assert.ok(lb.served > 0);
      assert.deepEqual(refused, []);
      assert.ok(lb.failed <= lanes, `${lb.failed} failed`);
    },
  );
}
