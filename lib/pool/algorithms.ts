import type { AlgorithmName } from "../values/words.ts";
import type { Algorithm } from "./algorithm.ts";
import { first } from "./first.ts";
import { leastConnections } from "./least_connections.ts";
import { powerOfTwo } from "./power_of_two.ts";
import { random } from "./random.ts";
import { roundRobin } from "./round_robin.ts";
import { sourceHash } from "./source_hash.ts";

/** Every algorithm by its name. */
export const algorithms: Readonly<Record<AlgorithmName, Algorithm>> = {
  roundRobin,
  leastConnections,
  powerOfTwo,
  random,
  sourceHash,
  first,
};
