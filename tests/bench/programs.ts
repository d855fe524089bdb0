/** The programs of the system that are needed, and their versions. */
import type { ServerName } from "./server_names.ts";

const folders = [...(Deno.env.get("PATH") ?? "").split(":"), "/usr/sbin", "/sbin"];

/** Where Debian keeps the module that gives nginx its `stream`. */
export const streamModule = "/usr/lib/nginx/modules/ngx_stream_module.so";

/** The path of a program; undefined when this machine lacks it. */
export function pathOf(program: string): string | undefined {
  return folders.map((folder) => `${folder}/${program}`).find(isFile);
}

/** The Debian packages that a run over these servers lacks. */
export function missingPackages(servers: readonly ServerName[]): string[] {
  const lacking = ["wrk", "nginx"].filter((program) => pathOf(program) === undefined);
  if (pathOf("setsid") === undefined) lacking.push("util-linux");
  if (servers.some((name) => name.startsWith("haproxy")) && pathOf("haproxy") === undefined) {
    lacking.push("haproxy");
  }
  if (servers.some((name) => name.startsWith("nginx")) && !isFile(streamModule)) {
    lacking.push("libnginx-mod-stream");
  }
  return lacking;
}

/** The first line that a program prints about itself, without its name for the web; "-" when it is not there. */
export async function versionOf(program: string, flag: string): Promise<string> {
  const path = pathOf(program);
  if (path === undefined) return "-";
  const { stdout, stderr } = await new Deno.Command(path, { args: [flag], stdin: "null" }).output();
  const text = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  return /\d+\.\d+\.\d+[^\s)]*/.exec(text)?.[0] ?? "-";
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
