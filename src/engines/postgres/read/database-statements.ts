import { HoldfastError } from '../../../base/errors.ts';

const ofObjects = new Set(['grant', 'revoke', 'comment', 'security']);

/** Whether the words of a statement may turn out to be about a database. Known after a word or two for most statements, so that a large one is not held. */
export function mayBeOfDatabase(words: readonly string[]): boolean {
  const [first = '', second] = words;
  if (ofObjects.has(first)) return true;
  // `--clean` of a template database begins with it.
  if (first === 'update') return words.length < 3 || words[2] === 'pg_database';
  if (!['create', 'drop', 'alter'].includes(first)) return false;
  return (
    second === undefined || second === 'database' || (first === 'alter' && (second === 'role' || second === 'user'))
  );
}

export function isOfDatabase(words: readonly string[]): boolean {
  const [first = '', second] = words;
  // A schema may be called so: only the first ON says what it is about.
  if (ofObjects.has(first)) return words[words.indexOf('on') + 1] === 'database' && words.includes('on');
  if (first === 'update') return second === 'pg_catalog' && words[2] === 'pg_database';
  return second === 'database' || ((second === 'role' || second === 'user') && follow(words, 'in', 'database'));
}

function follow(words: readonly string[], one: string, other: string): boolean {
  return words.some((word, at) => word === one && words[at + 1] === other);
}

export function goesElsewhere(command: string): HoldfastError {
  return new HoldfastError(
    'SCRIPT_CONNECTS',
    `the script goes to another database in its middle: ${command.slice(0, 200)}`,
    {
      kind: 'refused',
      hint: 'It holds more than one database. Cut it in two before that line, and restore each by itself.',
    },
  );
}
