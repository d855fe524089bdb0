import { testEngines } from "./contract.ts";
import { memoryHarness } from "./memory_harness.ts";

testEngines([memoryHarness]);
