import { jsonSchema } from "../config/language/json_schema.ts";
import { type Command, exit } from "./command.ts";

/** `lb schema` */
export const schemaCommand: Command = {
  name: "schema",
  summary: "Print the JSON Schema of lb.yaml",
  synopsis: "",
  help: `Prints the JSON Schema of lb.yaml, for editors that complete and check while you type:

  lb schema > lb.schema.json

and as the first line of lb.yaml, for editors with the YAML language server:

  # yaml-language-server: $schema=./lb.schema.json`,
  options: {},
  run({ terminal }) {
    const isPrinted = terminal.print(JSON.stringify(jsonSchema(), null, 2));
    return Promise.resolve(isPrinted ? exit.ok : exit.failed);
  },
};
