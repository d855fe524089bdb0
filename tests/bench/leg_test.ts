import assert from "node:assert/strict";
import { outputOf } from "../support/command.ts";
import { missing, type Needs, testWith } from "../support/needs.ts";
import { commandOn, type Host, type Leg, obstacleTo, openLeg } from "./leg.ts";

const programs = ["ip", "setsid"];
const needs: Needs = { programs, obstacle: missing(programs).length > 0 ? undefined : obstacleTo("network") };

/** What a command prints on a host, started as the bench starts everything. */
function printedOn(host: Host, words: readonly string[]): Promise<string> {
  const [program, args] = commandOn(host, words);
  return outputOf(program, args);
}

function hostsOf({ client, balancer, target }: Leg): Host[] {
  return [client, balancer, target];
}

testWith(needs, "the network has an MTU of 1500 between any two of three hosts", async () => {
  using leg = openLeg("network");
  for (const host of hostsOf(leg)) {
    const links = await printedOn(host, ["ip", "-o", "link", "show", "type", "veth"]);
    assert.deepEqual([...links.matchAll(/ mtu (\d+) /g)].map(([, mtu]) => mtu), ["1500", "1500"]);
    for (const peer of hostsOf(leg)) {
      const route = await printedOn(host, ["ip", "route", "get", peer.address]);
      assert.match(route, new RegExp(`src ${host.address}\\b`));
    }
  }
});

testWith(
  needs,
  "a network that is disposed leaves no namespace behind, and two have names of their own",
  async () => {
    const [one, two] = [openLeg("network"), openLeg("network")];
    const namesOf = (leg: Leg) => hostsOf(leg).map(({ prefix }) => prefix.at(-1)!);
    const own = [...namesOf(one), ...namesOf(two)];
    assert.equal(new Set(own).size, 6);
    for (const leg of [one, two]) leg[Symbol.dispose]();
    const left = await outputOf("ip", ["netns", "list"]);
    for (const name of own) assert.ok(!left.includes(name), left);
  },
);

for (const name of ["loopback", "network"] as const) {
  testWith(
    name === "network" ? needs : { programs: ["setsid"] },
    `what runs on a ${name} host leads a session of its own`,
    async () => {
      using leg = openLeg(name);
      // The fields of /proc/PID/stat: PID, name, state, parent, group, session.
      const stat = "read -r pid name state parent group session rest < /proc/self/stat; echo $pid $session";
      const [pid, session] = (await printedOn(leg.target, ["sh", "-c", stat])).trim().split(" ");
      assert.equal(session, pid);
    },
  );
}
