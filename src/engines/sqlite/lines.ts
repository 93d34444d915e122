/** One line of JSON; readers of lines take two more characters for ends than JSON does. */
export function toLine(value: unknown): string {
  return `${JSON.stringify(value).replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029')}\n`;
}
