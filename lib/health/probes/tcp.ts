import type { TcpCheck } from "../spec.ts";
import type { ProbeInput } from "./kinds.ts";
import type { ProbeOutcome } from "./outcome.ts";

/** Connects and closes. */
export async function probeTcp(spec: TcpCheck, { target, tools }: ProbeInput): Promise<ProbeOutcome> {
  const dialled = await tools.dialler.dial(target, { port: spec.port, limit: tools.limit });
  if (dialled.kind !== "connected") return dialled;
  dialled.conn.close();
  return { kind: "passed", detail: "connected" };
}
