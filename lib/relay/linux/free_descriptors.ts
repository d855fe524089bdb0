/** How many descriptors are free: the kernel has no call that says it. */
import { descriptorConstants, type Libc, openLibc } from "./libc.ts";

/** So many are asked for at a time, in 128 KiB of memory. */
const chunk = 16_384;

const pollWords = 2;

/**
 * Counts the descriptors that are still free, at most `wanted`: poll(2) says of many at once which are not open, in a
 * hundredth of the time that opening as many files takes. Undefined where the kernel does not answer.
 */
export function freeDescriptors(wanted: number, open: () => Libc = openLibc): number | undefined {
  const { call, close } = open();
  try {
    const limits = new BigUint64Array(2);
    const { RLIMIT_NOFILE, POLLNVAL_SHIFTED } = descriptorConstants;
    if (call.getrlimit(RLIMIT_NOFILE, new Uint8Array(limits.buffer)) !== 0) return undefined;
    const limit = Number(limits[0]);
    const asked = new Int32Array(chunk * pollWords);
    const bytes = new Uint8Array(asked.buffer);
    let free = 0;
    for (let first = 0; first < limit && free < wanted; first += chunk) {
      const count = Math.min(chunk, limit - first);
      for (let index = 0; index < count; index++) asked[index * pollWords] = first + index;
      if (call.poll(bytes, count, 0) < 0) return undefined;
      for (let index = 0; index < count; index++) {
        if ((asked[index * pollWords + 1]! & POLLNVAL_SHIFTED) !== 0) free++;
      }
    }
    return Math.min(free, wanted);
  } finally {
    close();
  }
}
