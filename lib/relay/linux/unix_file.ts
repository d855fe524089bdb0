/** The file that binding a unix socket makes: nobody but its owner removes it, and closing the socket does not. */
import { fileConstants, type Libc } from "./libc.ts";

/** The file of a socket that was just bound; removes it later if it is still that one. */
export class UnixFile {
  readonly #libc: Libc;
  readonly #path: Uint8Array<ArrayBuffer>;
  readonly #identity: string | undefined;

  constructor(libc: Libc, path: string) {
    this.#libc = libc;
    this.#path = new Uint8Array(new TextEncoder().encode(`${path}\0`));
    this.#identity = this.#currentIdentity();
  }

  /** Somebody may have removed it meanwhile and bound another one: that stays. */
  remove(): void {
    if (this.#identity === undefined || this.#currentIdentity() !== this.#identity) return;
    this.#libc.call.unlink(this.#path);
  }

  /** Device and inode (statx(2)) of what is at the path; undefined where nothing is. */
  #currentIdentity(): string | undefined {
    const { AT_FDCWD, AT_SYMLINK_NOFOLLOW, STATX_INO, STATX_BYTES } = fileConstants;
    const stat = new Uint8Array(STATX_BYTES);
    if (this.#libc.call.statx(AT_FDCWD, this.#path, AT_SYMLINK_NOFOLLOW, STATX_INO, stat) !== 0) {
      return undefined;
    }
    const view = new DataView(stat.buffer);
    const major = view.getUint32(fileConstants.STATX_DEV_MAJOR_AT, true);
    const minor = view.getUint32(fileConstants.STATX_DEV_MINOR_AT, true);
    return `${major}:${minor}:${view.getBigUint64(fileConstants.STATX_INO_AT, true)}`;
  }
}
