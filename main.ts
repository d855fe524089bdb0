import { main } from "./lib/cli/main.ts";
import { processTerminal } from "./lib/cli/terminal.ts";

if (import.meta.main) Deno.exit(await main(Deno.args, processTerminal()));
