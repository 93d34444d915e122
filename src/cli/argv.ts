/**
 * Command lines of the older systems that are not commands: `--now` (with `--db-only`) is `backup`, a `cli` before the command is
 * nothing, `help restore` is `restore --help`, and `restore files` is `restore-files`: its options are others than those of `restore`.
 */
export function modernArgv(typed: readonly string[]): string[] {
  const argv = typed[0] === 'cli' ? typed.slice(1) : typed;
  if (argv[0] === 'help') return [...joined(argv.slice(1)), '--help'];
  const at = argv.indexOf('--now');
  const optionsOnly = argv.every((word) => word.startsWith('-'));
  return at >= 0 && optionsOnly ? ['backup', ...argv.toSpliced(at, 1)] : joined(argv);
}

/** Options of every command that take the next word. */
const valued = ['--source', '--storage', '--config', '--identity'];
/** Commands of their own, typed as two words. */
export const partsOfRestore = ['files', 'schema', 'records', 'attachments'];

function joined(argv: readonly string[]): string[] {
  const at = argv.findIndex((word, index) => word === 'restore' && !valued.includes(argv[index - 1] ?? ''));
  const part = argv[at + 1];
  if (at < 0 || part === undefined || !partsOfRestore.includes(part)) return [...argv];
  return argv.toSpliced(at, 2, `restore-${part}`);
}

/** Whether a flag is on the command line, for what must be known before it is parsed (colours, the form of errors). */
export function hasFlag(argv: readonly string[], flag: string): boolean {
  const end = argv.indexOf('--');
  return (end < 0 ? argv : argv.slice(0, end)).includes(flag);
}
