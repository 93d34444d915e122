import { toHoldfastError } from '../../base/errors.ts';
import { withoutSecrets } from '../../base/secret.ts';
import type { Style } from './style.ts';
import { hanging, printableLines } from './text.ts';

/**
 * `error: what (CODE)`, `cause: why`, `hint: what to do`; the stack only with `--debug`. Everything foreign in it is cleaned of
 * secrets and of control characters.
 */
export function renderError(
  error: unknown,
  { style, debug, columns }: { style: Style; debug: boolean; columns: number },
): string[] {
  const known = toHoldfastError(error);
  const cause = causeOf(error);
  const said = (label: string, text: string) => labelled(label, text, columns);
  return [
    ...said(style.bad('error: '), `${known.message || 'something failed without saying why'} (${known.code})`),
    ...(cause === null ? [] : said(style.dim('cause: '), cause)),
    ...(known.hint === undefined ? [] : said(style.accent('hint: '), known.hint)),
    ...(debug ? stacks(error).flatMap((stack) => printableLines(withoutSecrets(stack)).map(style.dim)) : []),
  ];
}

/** For `--json`: one line on the error output, so that standard output stays data only. */
export function errorAsJson(error: unknown): {
  error: { code: string; message: string; hint: string | null; cause: string | null };
} {
  const known = toHoldfastError(error);
  const cause = causeOf(error);
  return {
    error: {
      code: known.code,
      message: withoutSecrets(known.message),
      hint: known.hint === undefined ? null : withoutSecrets(known.hint),
      cause: cause === null ? null : withoutSecrets(cause),
    },
  };
}

/** The messages along the causes that say something new. */
export function causeOf(error: unknown): string | null {
  const said = [toHoldfastError(error).message];
  const news: string[] = [];
  for (const at of causes(error).slice(1)) {
    const message = messageOf(at);
    if (message === '' || said.some((earlier) => earlier.includes(message))) continue;
    said.push(message);
    news.push(message);
  }
  return news.length === 0 ? null : news.join(': ');
}

function labelled(label: string, text: string, columns: number): string[] {
  const [first = '', ...more] = printableLines(withoutSecrets(text));
  return [...hanging(label, first, columns), ...more.flatMap((line) => hanging('  ', line, columns))];
}

function causes(error: unknown): unknown[] {
  const found: unknown[] = [];
  for (
    let at = error;
    at !== undefined && at !== null && !found.includes(at);
    at = at instanceof Error ? at.cause : undefined
  ) {
    found.push(at);
  }
  return found;
}

/** Connecting to a name with several addresses fails with one message per address and none of its own. */
function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') {
    return [...new Set(error.errors.map(messageOf))].join('; ');
  }
  return error instanceof Error ? error.message : String(error);
}

function stacks(error: unknown): string[] {
  return causes(error).flatMap((each) => (each instanceof Error && each.stack ? [each.stack] : []));
}
