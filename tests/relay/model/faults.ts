/** What a kernel may do at any time, and rarely does; and what is around it. */
import type { End } from "./connection.ts";
import type { Dice } from "./dice.ts";

/** Faults in a thousand calls of a kind. */
export interface Faults {
  interrupted: number;
  exhausted: number;
  aborted: number;
  /** Something else happens before a call. */
  meanwhile: number;
}

/** A kernel on its best behaviour. */
export const noFaults: Faults = { interrupted: 0, exhausted: 0, aborted: 0, meanwhile: 0 };

/** What a simulated kernel is made with. */
export interface KernelOptions {
  readonly dice: Dice;
  readonly faults: Faults;
  readonly meanwhile: () => void;
  /**
   * Somebody connects to a port, at an address that ends with a byte: the socket it gets, what connect(2) answers (0 or an
   * errno), and whether the socket reaches itself there.
   */
  readonly onConnect: (to: { readonly port: number; readonly lastByte: number }) => {
    readonly end: End;
    readonly result: number;
    readonly toItself: boolean;
  };
}
