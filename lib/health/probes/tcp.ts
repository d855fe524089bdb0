import type { TcpCheck } from "../spec.ts";
import type { Probe } from "./kinds.ts";

/** Connects and closes. */
export const probeTcp: Probe<TcpCheck> = async (spec, { target, tools }) => {
  const dialled = await tools.dialler.dial(target, { port: spec.port, limit: tools.limit });
  if (dialled.kind !== "connected") return dialled;
  dialled.conn.close();
  return { kind: "passed", detail: "connected" };
};
