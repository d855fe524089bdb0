import { eventually } from "../support/eventually.ts";
import { StallWatch } from "./stall.ts";

Deno.test("a thread that could not run for a while has that as its longest wait", async () => {
  using watch = new StallWatch();
  const until = performance.now() + 60;
  while (performance.now() < until);
  await eventually("a wait of half of that or more", () => watch.worstMs >= 30);
});
