/**
 * The text with everything escaped that could break a line, steer a terminal or hide other text: control and format
 * characters, line and paragraph separators, lone surrogates.
 */
export function printable(text: string): string {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (character) => character.split("").map(escaped).join(""));
}

/** The text as a JSON string for one log line, cut to 60 characters: for words that a peer or a file chose. */
export function quoted(text: string): string {
  return printable(JSON.stringify(text.length > 60 ? `${text.slice(0, 59)}\u2026` : text));
}

function escaped(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
