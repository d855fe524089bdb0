/** What "defaults" and "tuned" mean, for whoever reads the numbers later. */
import { haproxyCfg, lbYaml, nginxConf, type Place, targetConf } from "./configurations.ts";

/** The configurations, with stand-ins for ports and folders. */
export function definitions(): { readonly [name: string]: string } {
  const place: Place = { port: 8080, targets: [9001, 9002], threads: 1, folder: "FOLDER" };
  return {
    target: targetConf({ port: 9001, folder: "FOLDER" }),
    "lb-linux": lbYaml("linux", place),
    "lb-portable": lbYaml("portable", place),
    haproxy: haproxyCfg(false, place),
    "haproxy-tuned": haproxyCfg(true, place),
    nginx: nginxConf(false, place),
    "nginx-tuned": nginxConf(true, place),
    "nginx-tuned with two threads": nginxConf(true, { ...place, threads: 2 }),
  };
}
