/** A random life of a few sessions, from the first connect to the last descriptor. */
import type { End } from "./connection.ts";
import { checkPeers } from "./oracle.ts";
import { noFaults } from "./faults.ts";
import { Mismatch, receiveSome, sendSome, type Session, type Side } from "./session.ts";
import { World } from "./world.ts";

/** Longer than any limit, and than what a relay waits for by itself. */
const longestMs = 40_000;

/** Runs one schedule; throws a Mismatch where engine and model differ. `note` is called with each step. */
export async function runSchedule(seed: number, note?: (what: string) => void): Promise<void> {
  const world = new World(seed, note);
  const { character } = world;
  const close = world.open();
  world.meanwhile = () => peersAct(world);
  world.dial();
  for (let step = 0; step < character.steps; step++) await act(world);
  await finish(world);
  for (const session of world.sessions) checkPeers(session);
  close();
  const { descriptors } = world.kernel;
  if (!descriptors.pipesAreEmpty) {
    throw new Mismatch("a pipe is kept for the next session with bytes of the last");
  }
  // Pipes are kept for a while.
  for (let waits = 0; waits < 4; waits++) {
    world.now += 1_000;
    await world.pollUntilAsleep();
  }
  if (descriptors.list() !== "3:epoll") {
    throw new Mismatch(`descriptors are left open: ${descriptors.list()}`);
  }
  world.reactor[Symbol.dispose]();
  if (descriptors.list() !== "") throw new Mismatch("the epoll is left open");
}

/** One step: of the peers, of the clock, or of the engine. */
async function act(world: World): Promise<void> {
  const { dice, character, sessions } = world;
  if (dice.chance(character.polls)) {
    world.note?.("poll");
    await world.poll();
    return;
  }
  if (dice.chance(60)) return await world.pollUntilAsleep();
  if (sessions.length < character.sessions && dice.chance(character.crowded ? 500 : 200)) {
    world.note?.(`session ${sessions.length}: a client connects`);
    world.dial();
    return;
  }
  if (!character.polite && dice.chance(80)) {
    const ms = dice.chance(500) ? dice.between(1, 60) : dice.between(60, 2_500);
    world.note?.(`${ms} ms pass`);
    world.now += ms;
    return;
  }
  if (character.crowded && dice.chance(150)) return await changeOver(world);
  if (!character.polite && dice.chance(8)) return await cut(world, dice.of(sessions));
  peersAct(world);
}

/** Both peers of a session reset, and a client comes: a poll that sees it all takes the descriptors anew. */
async function changeOver(world: World): Promise<void> {
  const { dice, sessions } = world;
  await world.pollUntilAsleep();
  const { client, target, number } = dice.of(sessions);
  if (target === undefined || client.closed || target.closed) return;
  world.note?.(`session ${number}: both peers reset, and session ${sessions.length}: a client connects`);
  const [first, second] = dice.chance(500) ? [client, target] : [target, client];
  resetBy(first);
  world.dial();
  resetBy(second);
  await world.poll();
}

function resetBy(peer: End): void {
  peer.setAbortiveClose();
  peer.close();
}

/** Somebody ends a session, wherever it is. */
async function cut(world: World, session: Session): Promise<void> {
  const { socket, relay, engineClient } = session;
  if (socket === undefined || engineClient.closed) return;
  world.note?.(`session ${session.number}: cut`);
  session.cut = true;
  if (relay !== undefined && world.dice.chance(700)) relay.cut();
  else socket.reset();
  if (world.reactor.microtasksPending) await world.settle();
}

/** One thing that a peer, or the network, does. */
function peersAct(world: World): void {
  const { dice, character } = world;
  const session = dice.of(world.sessions);
  const side: Side = dice.chance(500) ? "client" : "target";
  const end = session[side];
  if (end === undefined) return world.answer(session);
  if (end.closed) return;
  const verb = dice.below(100);
  const size = dice.chance(300) ? dice.between(1, 300) : dice.between(1, 30);
  const note = (what: string) => world.note?.(`session ${session.number}: the ${side} ${what}`);
  if (character.urgent && dice.chance(100)) note(`sends an urgent byte: ${end.sendUrgent()}`);
  else if (verb < 40) note(`sends ${sendSome(session, side, size)} of ${size} bytes`);
  else if (verb < 75) note(`reads ${receiveSome(session, side, size)} of ${size} bytes`);
  else if (verb < 87) {
    const from = dice.chance(500) ? end : end.other!;
    from.deliver(size);
    note("is on the network's mind");
  } else if (verb < 92) {
    if (!end.finSent && !end.dead) end.finish();
    note("finishes");
  } else if (character.polite) return;
  else if (verb < 95) {
    end.close();
    note("closes");
  } else if (verb < (character.crowded ? 100 : 97)) {
    resetBy(end);
    note("resets");
  }
}

/** Everybody comes to an end: the peers read on and finish, and whatever then waits for a limit gets its time. */
async function finish(world: World): Promise<void> {
  world.note?.("everybody finishes");
  Object.assign(world.faults, noFaults);
  world.held = false;
  const startedAt = world.now;
  if (world.character.silentEnd) {
    for (let waits = 0; waits < 10; waits++) {
      world.now += 700;
      await world.pollUntilAsleep();
    }
  }
  for (let step = 10;; step = Math.min(step * 2, 1_000)) {
    for (const session of world.sessions) world.answer(session);
    do await world.pollUntilAsleep(); while (peersFinish(world));
    if (
      world.sessions.every(({ phase, client }) => phase === "over" || isLost(client.other!.closed, phase))
    ) return;
    world.now += step;
    if (world.now - startedAt > longestMs) throw new Mismatch("never over");
  }
}

/** A client that the kernel gave up before the engine had it. */
function isLost(closed: boolean, phase: Session["phase"]): boolean {
  return closed && phase === "dialled";
}

/** Every open peer finishes and reads what there is; whether anything moved. */
function peersFinish(world: World): boolean {
  let moved = false;
  for (const session of world.sessions) {
    for (const side of ["client", "target"] as const) {
      const end = session[side];
      if (end === undefined) continue;
      end.deliver();
      end.other?.deliver();
      if (end.closed) continue;
      if (!end.finSent && !end.dead) {
        end.finish();
        moved = true;
      }
      while (receiveSome(session, side, 1_024) > 0) moved = true;
    }
  }
  return moved;
}
