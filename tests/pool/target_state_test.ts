import assert from "node:assert/strict";
import {
  stateWord,
  takesSessions,
  type TargetConditions,
  type TargetState,
  targetState,
} from "../../lib/pool/target_state.ts";

const none = { ejection: "none", override: undefined } as const;

const cases: { conditions: TargetConditions; state: TargetState; takes: boolean }[] = [
  { conditions: { verdict: "up", ...none }, state: "up", takes: true },
  { conditions: { verdict: "checking", ...none }, state: "checking", takes: false },
  { conditions: { verdict: "down", ...none }, state: "down", takes: false },
  { conditions: { verdict: "up", ejection: "ejected", override: undefined }, state: "ejected", takes: false },
  { conditions: { verdict: "down", ejection: "ejected", override: undefined }, state: "down", takes: false },
  { conditions: { verdict: "up", ejection: "none", override: "draining" }, state: "draining", takes: false },
  {
    conditions: { verdict: "down", ejection: "ejected", override: "maintenance" },
    state: "maintenance",
    takes: false,
  },
];

for (const { conditions, state, takes } of cases) {
  const { verdict, ejection, override } = conditions;
  const words = [verdict, ejection, override ?? "none"].filter((word) => word !== "none").join(", ");
  Deno.test(`a target that is ${words} is ${state} and ${takes ? "takes" : "takes no"} sessions`, () => {
    assert.equal(targetState(conditions), state);
    assert.equal(takesSessions(stateWord(conditions)), takes);
  });
}
