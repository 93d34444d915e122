import { abortReason } from '../../base/abort.ts';
import { HoldfastError } from '../../base/errors.ts';
import type { CommandContext } from '../command.ts';
import { styleFor } from './style.ts';
import { printable, printableLines } from './text.ts';

export interface Question {
  /** What will happen, in full sentences. */
  says: readonly string[];
  /** What must be typed: the database's name for what replaces or drops one, `yes` for smaller things. */
  word: string;
}

/** Returns when the operator agreed; anything else is refused, and nothing has been touched. */
export async function confirm(
  context: Pick<CommandContext, 'io' | 'yes' | 'signal'>,
  question: Question,
): Promise<void> {
  const { io, yes, signal } = context;
  if (yes) return;
  const word = printable(question.word);
  if (!io.interactive) {
    throw new HoldfastError(
      'NOT_CONFIRMED',
      'nobody is here to confirm, and --yes was not given; nothing was touched',
      {
        kind: 'refused',
        hint: 'Run it in a terminal, or add --yes when you are sure.',
      },
    );
  }
  const style = styleFor(io.errorColor);
  for (const line of question.says.flatMap(printableLines)) io.screen.line(line);
  const answer = await ask(context, `Type ${style.bold(word)} to go on: `);
  if (signal.aborted) throw abortReason(signal);
  if (answer?.trim() === word.trim()) return;
  throw new HoldfastError('NOT_CONFIRMED', 'not confirmed; nothing was touched', {
    kind: 'refused',
    hint: `To go on, type exactly ${word}.`,
  });
}

/** Null when the input ended. Not in raw mode: Ctrl-C stays the signal that ends everything else here, too. */
async function ask(context: Pick<CommandContext, 'io' | 'signal'>, prompt: string): Promise<string | null> {
  const { io, signal } = context;
  const { createInterface } = await import('node:readline/promises');
  const lines = createInterface({ input: io.stdin, output: io.stderr, terminal: false });
  try {
    const ended = new Promise<null>((resolve) => lines.once('close', () => resolve(null)));
    return await Promise.race([lines.question(prompt, { signal }), ended]);
  } catch (error) {
    if (signal.aborted) throw abortReason(signal);
    throw error;
  } finally {
    lines.close();
    io.stdin.pause();
  }
}
