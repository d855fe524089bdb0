/** Is an address free to listen on? Asked before the data plane binds it. */
import type { Bind, BindFailure } from "../dataplane/messages.ts";
import type { SocketAddress } from "../values/address.ts";
import { errorCode } from "../values/system_error.ts";

/** An address of a listener cannot be listened on; `failure` is what the system said. */
export class ListenError extends Error {
  readonly listener: string;
  readonly address: SocketAddress;
  readonly failure: BindFailure;

  constructor({ listener, address }: { listener: string; address: SocketAddress }, failure: BindFailure) {
    super(failure.message);
    this.listener = listener;
    this.address = address;
    this.failure = failure;
  }
}

/** What a call that binds has thrown. */
export function bindFailure(error: unknown): BindFailure {
  const message = error instanceof Error ? error.message : String(error);
  return { code: errorCode(error), message };
}

/**
 * Why an address cannot be bound by this process alone; undefined = it can. Threads bind with SO_REUSEPORT, and so would
 * share a port silently with another instance of this program. A socket file that nobody answers on is free.
 */
export async function whyTaken(address: SocketAddress): Promise<BindFailure | undefined> {
  try {
    if (address.kind === "unix") return unixFailures[await unixFile(address.path)];
    if (address.port !== 0) Deno.listen({ hostname: address.host, port: address.port }).close();
    return undefined;
  } catch (error) {
    return bindFailure(error);
  }
}

/** Removes the socket file of a unix bind that a process which was killed has left behind. */
export async function removeStale(address: SocketAddress): Promise<void> {
  if (address.kind === "unix" && await unixFile(address.path) === "stale") Deno.removeSync(address.path);
}

/** What may stand at the path of a unix bind. */
type UnixFile = "nothing" | "stale" | "answers" | "noSocket";

const unixFailures: { readonly [file in UnixFile]: BindFailure | undefined } = {
  nothing: undefined,
  stale: undefined,
  answers: { code: "EADDRINUSE", message: "somebody answers there" },
  noSocket: { code: "ENOTSOCK", message: "something that is not a socket is there" },
};

async function unixFile(path: string): Promise<UnixFile> {
  try {
    if (!Deno.lstatSync(path).isSocket) return "noSocket";
    (await Deno.connect({ transport: "unix", path })).close();
    return "answers";
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "nothing";
    if (error instanceof Deno.errors.ConnectionRefused) return "stale";
    throw error;
  }
}

/** Whether a call that binds this address alone would find one of `others` in its way: on the same port, and for all hosts. */
export function overlaps({ address }: Bind, others: Iterable<Bind>): boolean {
  if (address.kind === "unix") return false;
  return [...others].some(({ address: other }) =>
    other.kind === "tcp" && other.port === address.port &&
    (isEveryHost(other.host) || isEveryHost(address.host))
  );
}

function isEveryHost(host: string): boolean {
  return host === "0.0.0.0" || host === "::";
}
