/** How one probe ended, before it is known whether its time was up: a judgement, a fault of this process or machine, or an end before either. */
export type ProbeOutcome =
  | { readonly kind: "passed"; readonly detail: string }
  | { readonly kind: "failed"; readonly detail: string }
  /** It says nothing about the target. */
  | { readonly kind: "localFault"; readonly detail: string }
  /** The signal aborted; `answering`: some of the answer was there. */
  | { readonly kind: "cut"; readonly answering: boolean };
