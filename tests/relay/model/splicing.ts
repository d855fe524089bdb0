/** splice(2) between a socket and a pipe, after Linux 6.1 (tcp_splice_read, splice_to_socket). */
import { errno } from "../../../lib/relay/linux/libc.ts";
import { transfer } from "./bytes.ts";
import type { Open } from "./descriptors.ts";
import type { Dice } from "./dice.ts";

/** A count, a negative errno, or undefined where no program may ask. What it moves may be less than could be moved. */
export function splice(
  from: Open,
  to: Open,
  { size, dice }: { readonly size: number; readonly dice: Dice },
): number | undefined {
  if (size <= 0) return undefined;
  if (from.kind === "socket" && to.kind === "pipe" && to.end === "write") {
    if (from.end === undefined) return undefined;
    const { bytes } = to.pipe;
    if (bytes.free === 0) return -errno.EAGAIN;
    const there = from.end.toSplice();
    if (there <= 0) return there;
    const most = Math.min(there, bytes.free, size);
    const moved = dice.chance(200) ? dice.between(1, most) : most;
    transfer(from.end.received, bytes, moved);
    from.end.wasRead(moved);
    return moved;
  }
  if (from.kind === "pipe" && from.end === "read" && to.kind === "socket") {
    const { bytes } = from.pipe;
    if (to.end === undefined || to.end.finSent || size > bytes.length) return undefined;
    const room = to.end.toWrite();
    if (room < 0) return room;
    const moved = Math.min(room, size);
    transfer(bytes, to.end.unsent, moved);
    to.end.wasWritten(moved, { all: moved === size });
    return moved;
  }
  return undefined;
}
