/** Which snapshots the sessions and the binds of a thread still use. */

/** One snapshot in use. Each session under it, and each bind with rules of it, calls `enter`, and `leave` when it has ended. */
export interface RevisionUse {
  enter(): void;
  leave(): void;
}

interface Use extends RevisionUse {
  readonly revision: number;
  users: number;
  isNewest: boolean;
}

/** Tells, whenever it rises, the oldest revision that is still in use; the newest always is. */
export class Revisions {
  readonly #onOldest: (revision: number) => void;
  /** In their order. */
  #uses: readonly Use[] = [];

  constructor(onOldest: (revision: number) => void) {
    this.#onOldest = onOldest;
  }

  /** A newer snapshot is in force from now on. */
  begin(revision: number): RevisionUse {
    const use: Use = {
      revision,
      users: 0,
      isNewest: true,
      enter: () => void use.users++,
      leave: () => {
        if (--use.users === 0 && !use.isNewest) this.#drop();
      },
    };
    for (const older of this.#uses) older.isNewest = false;
    this.#uses = [...this.#uses, use];
    this.#drop();
    return use;
  }

  #drop(): void {
    this.#uses = this.#uses.filter(({ isNewest, users }) => isNewest || users > 0);
    this.#onOldest(this.#uses[0]!.revision);
  }
}
