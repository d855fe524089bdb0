/** Tests for `needs_test.ts` to run in a process of its own: not found by `deno test` by its name. */
import { testWith } from "./needs.ts";

testWith({ programs: ["no-such-program-1"] }, "without a program", () => Promise.resolve());
testWith({ obstacle: "the moon is full" }, "with an obstacle", () => Promise.resolve());
testWith({ programs: ["sh"] }, "with a program", () => Promise.resolve());
