/** Ends sessions one after the other: their clients do not all come back at once. */
import type { Engine } from "../relay/engine.ts";

/** What is cut. */
export interface Cuttable {
  /** When a byte moved last, on the engine's clock. */
  readonly lastByteAt: number;
}

export interface CuttingOptions<Session> {
  readonly engine: Pick<Engine, "now" | "after">;
  /** Over how long, evenly; 0 = all at once. */
  readonly spreadMs: number;
  readonly isOpen: (session: Session) => boolean;
  readonly cut: (session: Session) => void;
  readonly onFault: (fault: unknown) => void;
}

/**
 * Cuts those first that have been quiet longest: what moves bytes may yet end by itself. Each has its place and its time from the
 * beginning, whatever it does meanwhile. One timer waits for all of them, and none for sessions that have ended.
 */
export function cutInTurn<Session extends Cuttable>(
  sessions: readonly Session[],
  { engine, spreadMs, isOpen, cut, onFault }: CuttingOptions<Session>,
): void {
  // Read once: a relay under way moves on while it is sorted.
  const quiet = sessions.map((session) => ({ session, lastByteAt: session.lastByteAt }));
  const inOrder = quiet.toSorted((a, b) => a.lastByteAt - b.lastByteAt).map(({ session }) => session);
  const startedAt = engine.now();
  let next = 0;
  const go = () => {
    for (; next < inOrder.length; next++) {
      const session = inOrder[next]!;
      if (!isOpen(session)) continue;
      const waitMs = startedAt + spreadMs * next / inOrder.length - engine.now();
      if (waitMs > 0) {
        engine.after(waitMs, go);
        return;
      }
      // A fault in the program that ending one of them meets is not to keep the others.
      try {
        cut(session);
      } catch (fault) {
        onFault(fault);
      }
    }
  };
  go();
}
