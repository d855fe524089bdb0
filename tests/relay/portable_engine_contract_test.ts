import { testEngines } from "./contract.ts";
import { portableHarnesses } from "./portable_harness.ts";

testEngines(portableHarnesses);
