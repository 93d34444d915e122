import { inspect } from 'node:util';

/**
 * A value that must not leak. It prints as dots wherever it is turned into text by accident (templates, JSON, logs,
 * inspection); only `reveal()` gives it out, which makes every place that does so easy to find.
 */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
    if (value.length >= 4) revealed.add(value);
  }

  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return '••••••';
  }

  toJSON(): string {
    return '••••••';
  }

  [inspect.custom](): string {
    return '••••••';
  }
}

/** Every secret of this process, so that text from foreign tools can be cleaned before anyone sees it. */
const revealed = new Set<string>();

/** Replaces every known secret in a text (a tool's error output, a driver's message), plain or URL-encoded. */
export function withoutSecrets(text: string): string {
  let clean = text;
  for (const secret of revealed) {
    clean = clean.replaceAll(secret, '••••••');
    const encoded = encodeURIComponent(secret);
    if (encoded !== secret) clean = clean.replaceAll(encoded, '••••••');
  }
  return clean;
}
