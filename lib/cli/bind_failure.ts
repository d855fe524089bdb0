/** Why an address cannot be listened on, and what to do about it. */
import { formatAddress, type SocketAddress } from "../values/address.ts";
import { canonicalIp } from "../values/ip.ts";
import { errorCode, systemWords } from "../values/system_error.ts";

export interface FailedBind {
  readonly address: SocketAddress;
  /** The name of the system's error, where it is known; else it is looked for in `cause`. */
  readonly code?: string | undefined;
  /** What the system, or the engine, said. */
  readonly cause: string;
}

/** A phrase for behind a colon: the cause, then the remedy. */
export function bindFailureWords({ address, code, cause }: FailedBind): string {
  const known = code ?? errorCode(cause) ?? codeOfText(cause);
  return address.kind === "unix"
    ? unixWords(address.path, { code: known, cause })
    : tcpWords(address, { code: known, cause });
}

/** The line that `lb run` ends with when a listener cannot be had. */
export function bindFailureLine(
  { listener, ...failure }: FailedBind & { readonly listener: string },
): string {
  return `listener ${listener} cannot listen on ${formatAddress(failure.address)}: ${
    bindFailureWords(failure)
  }`;
}

interface Cause {
  readonly code: string | undefined;
  readonly cause: string;
}

const otherHost = "bind to an address, or name one that this machine knows (/etc/hosts)";

function tcpWords(
  { host, port }: Extract<SocketAddress, { kind: "tcp" }>,
  { code, cause }: Cause,
): string {
  switch (code) {
    case "EADDRINUSE":
      return "address in use; stop what holds it or bind elsewhere";
    case "EACCES":
    case "EPERM":
      return port > 0 && port < 1024
        ? `no permission for a port below 1024; start as root, allow it to the program ` +
          `(setcap cap_net_bind_service=+ep), or bind to a port from 1024`
        : "no permission; look at the rules of this machine (SELinux, AppArmor, seccomp), or bind elsewhere";
    case "EADDRNOTAVAIL":
      return `this machine has no address ${host}; bind to one that it has, or to every one ` +
        (host.includes(":") ? `("[::]:${port}")` : `("0.0.0.0:${port}")`);
    case "EAFNOSUPPORT":
      return host.includes(":")
        ? `this machine has no IPv6; bind to an IPv4 address ("0.0.0.0:${port}")`
        : `this machine has no IPv4; bind to an IPv6 address ("[::]:${port}")`;
    case "ENOTFOUND":
      return `host ${host} not found; ${otherHost}`;
    default:
      // Only a lookup fails without a code.
      return code === undefined && canonicalIp(host) === undefined
        ? `${cause}; ${otherHost}`
        : otherWords({ code, cause });
  }
}

function unixWords(path: string, { code, cause }: Cause): string {
  const folder = path.slice(0, path.lastIndexOf("/")) || "/";
  switch (code) {
    case "EADDRINUSE":
      return "somebody answers there; stop what holds it or bind elsewhere";
    case "EEXIST":
    case "ENOTSOCK":
      return "there is something else than a socket; remove it or bind elsewhere";
    case "ENOENT":
      return `no folder ${folder}; create it or bind elsewhere`;
    case "ENOTDIR":
      return `${folder} is not a folder; bind elsewhere`;
    case "EACCES":
    case "EPERM":
      return `no permission in ${folder}; give the user that lb runs as the right to write there, or bind elsewhere`;
    case "EROFS":
      return `${folder} is read-only; bind elsewhere`;
    case "ENAMETOOLONG":
    case "EINVAL":
      return "the path is too long for a socket; bind to a path of at most 107 bytes";
    default:
      return otherWords({ code, cause });
  }
}

function otherWords({ code, cause }: Cause): string {
  switch (code) {
    case "EMFILE":
      return "no free file descriptor; raise the limit (ulimit -n, or LimitNOFILE of the service)";
    case "ENFILE":
      return "no free file descriptor on this machine; raise fs.file-max";
    case "NOTCAPABLE":
      return `Deno's permissions do not allow it (${cause.split(",")[0]}); start it with that permission`;
    case undefined:
      return `${cause}; bind elsewhere`;
    default:
      return `${systemWords(code) ?? cause}; bind elsewhere`;
  }
}

/** Errors that come as a text without name and number: those of this program, of Deno's permissions and of its resolver. */
function codeOfText(text: string): string | undefined {
  if (/failed to lookup address|name or service not known|^host not found$/i.test(text)) return "ENOTFOUND";
  if (/^Requires \w+ access/.test(text)) return "NOTCAPABLE";
  if (/ is not a socket$/.test(text)) return "ENOTSOCK";
  if (/somebody answers there$/.test(text)) return "EADDRINUSE";
  return /path must be shorter|path too long/i.test(text) ? "ENAMETOOLONG" : undefined;
}
