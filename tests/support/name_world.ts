/** A view of the file system in which /etc/hosts and /etc/resolv.conf are a test's own. */

/** The texts of the two files. */
export interface NameFiles {
  readonly hosts: string;
  readonly resolvConf: string;
}

/**
 * Programs started behind `inside` see these files, and share all else with everybody: networks, ports, other files. So a
 * name server on `loopbackAddress()`, port 53, answers them. Dispose it to have the files removed.
 */
export class NameWorld implements Disposable {
  readonly #folder = Deno.makeTempDirSync({ prefix: "lb-names-" });

  constructor({ hosts, resolvConf }: NameFiles) {
    this.writeHosts(hosts);
    this.writeResolvConf(resolvConf);
  }

  /** The words in front of a command that has to run there. It stays one process, with the pid that was started. */
  get inside(): readonly string[] {
    const mounts = 'mount --bind "$0/hosts" /etc/hosts && mount --bind "$0/resolv.conf" /etc/resolv.conf';
    // Deno would ask for the address of its own updates, with getaddrinfo.
    return [
      "env",
      "DENO_NO_UPDATE_CHECK=1",
      "unshare",
      "--mount",
      "sh",
      "-c",
      `${mounts} && exec "$@"`,
      this.#folder,
    ];
  }

  /** Changes /etc/hosts, for programs that run already too. */
  writeHosts(text: string): void {
    // In place: a file that takes the name of another would not be the one that is mounted.
    Deno.writeTextFileSync(`${this.#folder}/hosts`, text);
  }

  /** Changes /etc/resolv.conf, for programs that run already too. */
  writeResolvConf(text: string): void {
    Deno.writeTextFileSync(`${this.#folder}/resolv.conf`, text);
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.#folder, { recursive: true });
  }
}

/** An address of this machine that no other test uses: port 53 has to be one's own. */
export function loopbackAddress(): string {
  const [a = 0, b = 0, c = 0] = crypto.getRandomValues(new Uint8Array(3));
  return `127.${64 + a % 64}.${b}.${1 + c % 254}`;
}

function reasonAgainst(): string | undefined {
  if (Deno.build.os !== "linux") return "mount namespaces are Linux's";
  if (Deno.uid() !== 0) return "needs root";
  using world = new NameWorld({ hosts: "127.0.0.9 name-world.test\n", resolvConf: "" });
  const [command, ...args] = [...world.inside, "grep", "-q", "name-world.test", "/etc/hosts"];
  try {
    const { success, stderr } = new Deno.Command(command!, { args, stderr: "piped" }).outputSync();
    return success ? undefined : `needs the right to mount: ${new TextDecoder().decode(stderr).trim()}`;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "no command unshare";
    throw error;
  }
}

/** Why this machine cannot show a program other files; undefined where it can. */
export const noNameWorlds: string | undefined = reasonAgainst();
