import { testEngines } from "./contract.ts";
import { linuxHarnesses } from "./linux_harness.ts";

testEngines(linuxHarnesses);
