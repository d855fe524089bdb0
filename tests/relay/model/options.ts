/** What is asked of a socket, or set, through a few bytes of memory. */
import { socketConstants } from "../../../lib/relay/linux/libc.ts";
import type { End } from "./connection.ts";
import type { Open } from "./descriptors.ts";

type Bytes = Uint8Array<ArrayBuffer>;

function words(value: Bytes): Int32Array<ArrayBuffer> {
  return new Int32Array(value.buffer, value.byteOffset, value.length / 4);
}

/** getsockopt: SO_ERROR, which is reported once, and TCP_MAXSEG. Undefined for any other. */
export function readOption(
  end: End,
  { level, name }: { level: number; name: number },
  value: Bytes,
): number | undefined {
  if (level === socketConstants.SOL_SOCKET && name === socketConstants.SO_ERROR) {
    words(value)[0] = end.takeError();
  } else if (level === socketConstants.IPPROTO_TCP && name === socketConstants.TCP_MAXSEG) {
    words(value)[0] = Math.ceil(end.received.capacity / 3);
  } else return undefined;
  return 0;
}

/** ioctl: SIOCOUTQ. Undefined for any other. */
export function unsent(end: End, request: bigint, value: Bytes): number | undefined {
  if (request !== socketConstants.SIOCOUTQ) return undefined;
  words(value)[0] = end.unacknowledged();
  return 0;
}

/** setsockopt: of all options SO_LINGER with 0 seconds and TCP_NODELAY mean something here. */
export function setOption(
  open: Open,
  { level, name }: { level: number; name: number },
  value: Bytes,
): number {
  if (open.kind !== "socket") return 0;
  const [on, seconds] = words(value);
  if (
    level === socketConstants.SOL_SOCKET && name === socketConstants.SO_LINGER && on === 1 && seconds === 0
  ) open.end?.setAbortiveClose();
  if (level === socketConstants.IPPROTO_TCP && name === socketConstants.TCP_NODELAY && on === 1) {
    open.end?.uncork();
  }
  return 0;
}
