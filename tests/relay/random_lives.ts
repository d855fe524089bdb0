import assert from "node:assert/strict";
import { eventually } from "../support/eventually.ts";
import { payload, seeded, wholeBelow } from "../support/payload.ts";
import {
  assertSameBytes,
  type Peer,
  receiveAll,
  receiveExactly,
  sendAll,
  sendAndFinish,
} from "../support/peer.ts";
import { type ContractCase, listen, relayedTo, type TargetListener, type World } from "./harness.ts";
import type { Acceptor } from "../../lib/relay/engine.ts";

const lives = 500;
const atOnce = 25;

type Bytes = Uint8Array<ArrayBuffer>;

interface Conversation {
  readonly first: Peer;
  readonly second: Peer;
  /** What each of the two has to say. */
  readonly says: Bytes;
  readonly answers: Bytes;
  readonly random: () => number;
}

/** The ways in which two sides talk and part; in each all bytes arrive. */
const courses: readonly ((conversation: Conversation) => Promise<[received: Bytes, answered: Bytes]>)[] = [
  async function bothAtOnce({ first, second, says, answers, random }) {
    const [received, answered] = await Promise.all([
      receiveAll(second),
      receiveAll(first),
      sendAndFinish(first, says, random),
      sendAndFinish(second, answers, random),
    ]);
    return [received, answered];
  },
  async function answerAfterTheHalfClose({ first, second, says, answers, random }) {
    const [received] = await Promise.all([receiveAll(second), sendAndFinish(first, says, random)]);
    const [answered] = await Promise.all([receiveAll(first), sendAndFinish(second, answers, random)]);
    return [received, answered];
  },
  async function closeOnceItHasAll({ first, second, says, answers, random }) {
    const [received] = await Promise.all([receiveExactly(second, says.length), sendAll(first, says, random)]);
    const [answered] = await Promise.all([
      receiveExactly(first, answers.length),
      sendAll(second, answers, random),
    ]);
    first[Symbol.dispose]();
    assert.equal((await receiveAll(second)).length, 0);
    return [received, answered];
  },
];

async function live(world: World, options: {
  acceptor: Acceptor;
  listener: TargetListener;
  seed: number;
}): Promise<void> {
  const random = seeded(options.seed);
  const { client, target, relay } = await relayedTo(world, options);
  const [first, second] = random() < 0.5 ? [client, target] : [target, client];
  const says = payload(wholeBelow(65_537, random), options.seed);
  const answers = payload(wholeBelow(65_537, random), options.seed + lives);
  const course = courses[wholeBelow(courses.length, random)];
  assert(course !== undefined);
  const [received, answered] = await course({ first, second, says, answers, random });
  assertSameBytes(received, says);
  assertSameBytes(answered, answers);
  second[Symbol.dispose]();
  assert.equal(await relay.ended, "done", course.name);
  assert.equal(relay.receivedBytes + relay.sentBytes, says.length + answers.length);
  first[Symbol.dispose]();
}

/** Many sessions side by side on one listener, none of which leaves anything behind. */
export const randomLives: readonly ContractCase[] = [{
  name: `${lives} random sessions arrive byte for byte and leave no descriptor open`,
  async run(world) {
    using acceptor = listen(world);
    // Sessions of a lane follow each other, and each lane has a target of its own to distinguish them by.
    const lanes = Array.from(
      { length: atOnce },
      () => ({ acceptor: listen(world), listener: world.openTarget() }),
    );
    const before = world.openSockets();
    await Promise.all(lanes.map(async ({ acceptor, listener }, lane) => {
      using _acceptor = acceptor;
      for (let seed = lane + 1; seed <= lives; seed += atOnce) {
        await live(world, { acceptor, listener, seed });
      }
    }));
    await eventually("every socket of the sessions is closed", () => world.openSockets() <= before);
    assert(acceptor);
  },
}];
