/** What "defaults" and "tuned" mean, for whoever reads the numbers later. */
import { haproxyCfg, lbYaml, nginxConf, type Setup, targetConf } from "./configurations.ts";

/** The configurations, with stand-ins for addresses, ports and folders. */
export function definitions(): { readonly [name: string]: string } {
  const setup: Setup = {
    address: "127.0.0.1",
    port: 8080,
    targets: ["127.0.0.1:9001", "127.0.0.1:9002"],
    threads: 1,
    folder: "FOLDER",
  };
  return {
    target: targetConf({ address: "127.0.0.1", port: 9001, folder: "FOLDER" }),
    "lb-linux": lbYaml("linux", setup),
    "lb-portable": lbYaml("portable", setup),
    haproxy: haproxyCfg(false, setup),
    "haproxy-tuned": haproxyCfg(true, setup),
    nginx: nginxConf(false, setup),
    "nginx-tuned": nginxConf(true, setup),
    "nginx-tuned with two threads": nginxConf(true, { ...setup, threads: 2 }),
  };
}
