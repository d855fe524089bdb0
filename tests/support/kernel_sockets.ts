/** What Deno's sockets cannot do, asked of the kernel: finds the descriptor through /proc and calls libc. Linux only. */

/** A socket address of the family AF_UNSPEC: connecting to it dissolves the connection there is. */
const nowhere = new Uint8Array(16);

/** A TCP connection's or listener's ports; a listener has no remote one. */
interface Ports {
  readonly local: number;
  readonly remote: number;
}

/**
 * Closes TCP connections so that their peers receive an RST. Not by SO_LINGER: Deno shuts a connection down before it
 * closes it, so that a FIN would go ahead of the RST.
 */
export function closeWithReset(conns: readonly Deno.Conn[]): void {
  withLibc((libc) => {
    const descriptors = descriptorsOf(conns.map(portsOf));
    for (const [index, conn] of conns.entries()) {
      const descriptor = descriptors[index];
      if (descriptor === undefined) throw new Error("the connection has no descriptor");
      if (libc.symbols.connect(descriptor, nowhere, nowhere.length) !== 0) {
        throw new Error("the reset was refused");
      }
      conn.close();
    }
  });
}

/** Lets only one connection wait to be accepted: the kernel then ignores whoever else wants in. */
export function shrinkBacklog(listener: Deno.TcpListener): void {
  withLibc((libc) => {
    const [descriptor] = descriptorsOf([{ local: listener.addr.port, remote: 0 }]);
    // Linux takes the new length of a queue from a second listen(2).
    if (descriptor === undefined || libc.symbols.listen(descriptor, 0) !== 0) {
      throw new Error("listen was refused");
    }
  });
}

/** How many sockets of this process have one of these ports, at either end. */
export function socketsOnPorts(ports: ReadonlySet<number>): number {
  const mine = new Set(ownSockets().map(([inode]) => inode));
  return tcpSockets().filter(([inode, { local, remote }]) =>
    mine.has(inode) && (ports.has(local) || ports.has(remote))
  )
    .length;
}

/** The inodes of the TCP sockets of the system that listen on a port: a socket that is closed and opened again has another one. */
export function listeningInodes(port: number): string[] {
  return tcpSockets().filter(([, { local }, state]) => state === "0A" && local === port)
    .map(([inode]) => inode).sort();
}

/** The states of the TCP sockets of the system with these ports: one alone may be in use for other connections, too. */
export function socketStates(ports: Ports): ("established" | "other")[] {
  return tcpSockets().filter(([, { local, remote }]) => local === ports.local && remote === ports.remote)
    .map(([, , state]) => state === "01" ? "established" : "other");
}

function portsOf(conn: Deno.Conn): Ports {
  const { localAddr, remoteAddr } = conn as Deno.TcpConn;
  return { local: localAddr.port, remote: remoteAddr.port };
}

function withLibc(use: (libc: ReturnType<typeof openLibc>) => void): void {
  const libc = openLibc();
  try {
    use(libc);
  } finally {
    libc.close();
  }
}

function openLibc() {
  return Deno.dlopen("libc.so.6", {
    connect: { parameters: ["i32", "buffer", "u32"], result: "i32" },
    listen: { parameters: ["i32", "i32"], result: "i32" },
  });
}

function descriptorsOf(wanted: readonly Ports[]): (number | undefined)[] {
  const byInode = new Map(ownSockets());
  const byPorts = new Map(
    tcpSockets().flatMap(([inode, ports]) => {
      const descriptor = byInode.get(inode);
      return descriptor === undefined ? [] : [[keyOf(ports), descriptor] as const];
    }),
  );
  return wanted.map((ports) => byPorts.get(keyOf(ports)));
}

function keyOf({ local, remote }: Ports): string {
  return `${local} ${remote}`;
}

/** The sockets of this process: inode and descriptor. */
function ownSockets(): [inode: string, descriptor: number][] {
  return [...Deno.readDirSync("/proc/self/fd")].flatMap(({ name }): [string, number][] => {
    try {
      const inode = /^socket:\[(\d+)\]$/.exec(Deno.readLinkSync(`/proc/self/fd/${name}`))?.[1];
      return inode === undefined ? [] : [[inode, Number(name)]];
    } catch {
      // The descriptor of this very listing is gone by now.
      return [];
    }
  });
}

/** Every TCP socket of the system: inode, ports, and the state as a number of net/tcp_states.h. */
function tcpSockets(): [inode: string, ports: Ports, state: string][] {
  return ["/proc/self/net/tcp", "/proc/self/net/tcp6"].flatMap((table) => {
    const rows = Deno.readTextFileSync(table).trim().split("\n").slice(1);
    return rows.map((row): [string, Ports, string] => {
      const columns = row.trim().split(/\s+/);
      const port = (column: string | undefined) => parseInt(column?.split(":")[1] ?? "", 16);
      return [columns[9] ?? "", { local: port(columns[1]), remote: port(columns[2]) }, columns[3] ?? ""];
    });
  });
}
