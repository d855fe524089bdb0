/** The configurations of the targets and of everybody measured. */
import { streamModule } from "./programs.ts";

/** Bytes of the bulk answer. */
export const bulkBytes = 1024 * 1024;

/** What a balancer's configuration is made from: where it listens, and its targets as `ADDRESS:PORT`. */
export interface Setup {
  readonly address: string;
  readonly port: number;
  readonly targets: readonly string[];
  readonly threads: number;
  /** A folder of its own. */
  readonly folder: string;
}

/** nginx as a web server: a small answer, and the files of its folder. Logs nothing and keeps every connection. */
export function targetConf({ address, port, folder }: Pick<Setup, "address" | "port" | "folder">): string {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((kind) => `${kind}_temp_path ${folder}/${kind};`).join(" ");
  return `${nginxHead(folder, 1)}
http {
  access_log off; sendfile on; tcp_nopush on; open_file_cache max=16;
  keepalive_requests 1000000000; keepalive_timeout 1h;
  ${temporary}
  server {
    listen ${address}:${port} backlog=4096;
    # Six bytes.
    location = /small { return 200 "hello\\n"; }
    location / { root ${folder}; }
  }
}
`;
}

/** lb with one engine; what is not said is the built-in default. */
export function lbYaml(engine: "linux" | "portable", { address, port, targets, threads }: Setup): string {
  return `process: { engine: ${engine}, workers: ${threads} }
admin: none
log: { level: warn }
listeners:
  web: { bind: "${address}:${port}", pool: app }
pools:
  app: { targets: [${targets.map((target) => JSON.stringify(target)).join(", ")}], health: none }
`;
}

/** HAProxy in TCP mode; tuned: splice forced both ways, buffers of 256 KiB. */
export function haproxyCfg(tuned: boolean, { address, port, targets, threads }: Setup): string {
  const servers = targets.map((target, index) => `  server t${index + 1} ${target}`).join("\n");
  return `global
  nbthread ${threads}
  maxconn 5000
${tuned ? "  tune.bufsize 262144\n" : ""}
defaults
  mode tcp
  timeout connect 5s
  timeout client 1h
  timeout server 1h
${tuned ? "  option splice-request\n  option splice-response\n" : ""}
listen web
  bind ${address}:${port}
  balance roundrobin
${servers}
`;
}

/**
 * nginx's stream; tuned: buffers of 256 KiB, and with several workers a socket for each, without which one worker can
 * take nearly all connections.
 */
export function nginxConf(tuned: boolean, { address, port, targets, threads, folder }: Setup): string {
  return `load_module ${streamModule};
${nginxHead(folder, threads)}
stream {
  access_log off;
  upstream app { ${targets.map((target) => `server ${target};`).join(" ")} }
  server {
    listen ${address}:${port}${tuned && threads > 1 ? " reuseport" : ""};
    proxy_pass app;
    ${tuned ? "proxy_buffer_size 256k;" : ""}
  }
}
`;
}

function nginxHead(folder: string, workers: number): string {
  // Started by root the workers would change to a user who may not read the folder.
  const user = Deno.uid() === 0 ? "user root; " : "";
  return `${user}daemon off; pid ${folder}/pid; error_log ${folder}/error.log; worker_processes ${workers};
events { worker_connections 10000; }`;
}
