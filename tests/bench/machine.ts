/** On what a run was made. */
import { versionOf } from "./programs.ts";

/** The machine and the versions of everybody measured. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly kernel: string;
  readonly deno: string;
  readonly haproxy: string;
  readonly nginx: string;
  readonly wrk: string;
}

/** Looks at this machine. */
export async function describeMachine(): Promise<Machine> {
  const cpuinfo = Deno.readTextFileSync("/proc/cpuinfo");
  return {
    // aarch64 names no model.
    cpu: /^model name\s*: (.*)$/m.exec(cpuinfo)?.[1] ?? Deno.build.arch,
    cores: navigator.hardwareConcurrency,
    kernel: Deno.osRelease(),
    deno: Deno.version.deno,
    haproxy: await versionOf("haproxy", "-v"),
    nginx: await versionOf("nginx", "-v"),
    wrk: await versionOf("wrk", "-v"),
  };
}

/** One line for people. */
export function machineLine({ cpu, cores, kernel, deno, haproxy, nginx, wrk }: Machine): string {
  return `${cpu}, ${cores} cores, Linux ${kernel}, Deno ${deno}, HAProxy ${haproxy}, nginx ${nginx}, wrk ${wrk}`;
}
