import { outputOf } from "../support/command.ts";
import { Daemon } from "../support/daemon.ts";
import { within } from "../support/eventually.ts";

/** Starts nginx with a health page, a small page, a status page and the files of its folder. */
export function nginx(): Promise<Daemon> {
  return Daemon.start(({ port, folder }) => {
    Deno.writeTextFileSync(
      `${folder}/nginx.conf`,
      `daemon off; pid ${folder}/pid; error_log ${folder}/error.log; worker_processes 1; user root;
events { worker_connections 4096; }
http {
  access_log off; keepalive_requests 100000000;
  ${
        ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((kind) =>
          `${kind}_temp_path ${folder}/${kind};`
        ).join(" ")
      }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location = /health { return 200 "up\\n"; }
    location = /small { return 200 "hello\\n"; }
    location = /status { stub_status; }
    location / { root ${folder}; }
  }
}
`,
    );
    return ["nginx", "-c", `${folder}/nginx.conf`];
  });
}

/** How many requests it has answered so far, this one too. */
export async function requestsOf({ address }: Daemon): Promise<number> {
  const asking = fetch(`http://${address}/status`).then((response) => response.text());
  const status = await within("nginx's status page", asking);
  return Number(/\n\s*\d+ \d+ (\d+)/.exec(status)?.[1]);
}

/** What wrk counted. */
export interface Load {
  readonly requests: number;
  readonly errors: {
    readonly connect: number;
    readonly read: number;
    readonly write: number;
    readonly timeout: number;
  };
}

/** Runs wrk with 64 connections. */
export async function wrk(
  url: string,
  { seconds, args = [] }: { seconds: number; args?: readonly string[] },
): Promise<Load> {
  const maxMs = (seconds + 60) * 1_000;
  const text = await outputOf("wrk", ["-t1", "-c64", `-d${seconds}s`, ...args, url], { maxMs });
  const errors =
    /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(text)?.slice(1) ?? [];
  const [connect = 0, read = 0, write = 0, timeout = 0] = errors.map(Number);
  return { requests: Number(/(\d+) requests in/.exec(text)?.[1]), errors: { connect, read, write, timeout } };
}
