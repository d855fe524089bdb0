import { outputOf } from "../support/command.ts";
import { Daemon } from "../support/daemon.ts";

const versions = "/usr/lib/postgresql";

/** A user of every system: PostgreSQL refuses to run as root. */
const nobody = { uid: 65_534, gid: 65_534 };

/** Why there is no PostgreSQL to be had here; undefined = there is. Its server is in no folder of PATH. */
export function postgresObstacle(): string | undefined {
  return newestFolder() === undefined ? "needs a PostgreSQL server" : undefined;
}

/** Starts a PostgreSQL with a database of its own, which takes some seconds. */
export function postgres(): Promise<Daemon> {
  return Daemon.start(async ({ port, folder }) => {
    const programs = newestFolder();
    const isRoot = Deno.uid() === 0;
    if (isRoot) await Deno.chown(folder, nobody.uid, nobody.gid);
    const user = isRoot
      ? ["setpriv", `--reuid=${nobody.uid}`, `--regid=${nobody.gid}`, "--clear-groups"]
      : [];
    const data = `${folder}/data`;
    const init = [`${programs}/initdb`, "-D", data, "-U", "lb", "--auth=trust", "--no-sync"];
    const [program, ...args] = [...user, ...init];
    await outputOf(program!, args, { maxMs: 60_000 });
    return [
      ...user,
      ...[`${programs}/postgres`, "-D", data, "-h", "127.0.0.1", "-p", `${port}`],
      // Unix sockets and fsync are of no use here.
      ...["-c", "unix_socket_directories=", "-c", "fsync=off", "-c", "max_connections=50"],
    ];
  });
}

function newestFolder(): string | undefined {
  try {
    const names = [...Deno.readDirSync(versions)].map(({ name }) => Number(name)).filter(Number.isFinite);
    return names.length === 0 ? undefined : `${versions}/${Math.max(...names)}/bin`;
  } catch {
    return undefined;
  }
}
