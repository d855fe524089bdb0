import { errorCode } from "../../values/system_error.ts";

/** Whether this machine has an IPv6 address: then it has that of its loopback. Binds a port for a moment. */
export function hasIpv6(): boolean {
  try {
    Deno.listen({ hostname: "::1", port: 0 }).close();
    return true;
  } catch (error) {
    // Anything else, such as no free descriptor, does not say that it has none.
    return !["EADDRNOTAVAIL", "EAFNOSUPPORT"].includes(errorCode(error) ?? "");
  }
}
