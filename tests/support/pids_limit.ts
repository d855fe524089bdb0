/** A limit on processes and threads, as a container or a service has it: a control group of its own. */

/** Dispose it once everything in it has ended. */
export class PidsLimit implements Disposable {
  readonly #folder: string;

  constructor() {
    this.#folder = `${parentFolder()}/lb-test-${crypto.randomUUID().slice(0, 8)}`;
    try {
      Deno.mkdirSync(this.#folder);
      // Fails where the group has no limit on pids to set.
      Deno.writeTextFileSync(`${this.#folder}/pids.max`, "max");
    } catch (error) {
      this[Symbol.dispose]();
      throw new NotPossible(error instanceof Error ? error.message : String(error));
    }
  }

  /** The words in front of a command that has to run under the limit. */
  get inside(): readonly string[] {
    return ["sh", "-c", `echo $$ >${this.#folder}/cgroup.procs && exec "$@"`, "sh"];
  }

  /** How many threads there are in it. */
  get used(): number {
    return Number(Deno.readTextFileSync(`${this.#folder}/pids.current`));
  }

  /** From now on nothing in it can start one more thread or process. */
  useUp(): void {
    Deno.writeTextFileSync(`${this.#folder}/pids.max`, String(this.used));
  }

  lift(): void {
    Deno.writeTextFileSync(`${this.#folder}/pids.max`, "max");
  }

  [Symbol.dispose](): void {
    try {
      Deno.removeSync(this.#folder);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
}

/** Version 1 of control groups has a hierarchy for pids alone, version 2 one for everything. */
function parentFolder(): string {
  const [first, second] = ["/sys/fs/cgroup/pids", "/sys/fs/cgroup"] as const;
  try {
    if (Deno.statSync(first).isDirectory) return first;
  } catch {
    // Version 2, or none.
  }
  return second;
}

/** The machine refuses. */
class NotPossible extends Error {}

function reasonAgainst(): string | undefined {
  if (Deno.build.os !== "linux") return "control groups are Linux's";
  try {
    new PidsLimit()[Symbol.dispose]();
    return undefined;
  } catch (error) {
    if (!(error instanceof NotPossible)) throw error;
    return `needs the right to make a control group with a pids limit: ${error.message}`;
  }
}

/** Why this machine cannot limit pids; undefined where it can. */
export const noPidsLimit: string | undefined = reasonAgainst();
