/** What is used of the package, which brings no types. */

interface Decoder<T> {
  (message: Uint8Array, offset: number): T;
  /** So many bytes the last call has read. */
  bytes: number;
}

interface AskedQuestion {
  readonly name: string;
  readonly type: string;
  readonly class: string;
}

export const RECURSION_DESIRED: number;
export const name: { readonly decode: Decoder<string> };
export const question: { readonly decode: Decoder<AskedQuestion> };
export const a: { readonly decode: Decoder<string> };
export const aaaa: { readonly decode: Decoder<string> };
export function encode(message: {
  readonly type: "query";
  readonly id: number;
  readonly flags: number;
  readonly questions: readonly { readonly name: string; readonly type: string }[];
}): Uint8Array;
