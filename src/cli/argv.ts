/**
 * Command lines of the older systems that are not commands: `--now` (with `--db-only`) is `backup`, a `cli` before the command is
 * nothing, and `help restore` is `restore --help`.
 */
export function modernArgv(typed: readonly string[]): string[] {
  const argv = typed[0] === 'cli' ? typed.slice(1) : typed;
  if (argv[0] === 'help') return [...argv.slice(1), '--help'];
  const at = argv.indexOf('--now');
  const optionsOnly = argv.every((word) => word.startsWith('-'));
  return at >= 0 && optionsOnly ? ['backup', ...argv.toSpliced(at, 1)] : [...argv];
}

/** Whether a flag is on the command line, for what must be known before it is parsed (colours, the form of errors). */
export function hasFlag(argv: readonly string[], flag: string): boolean {
  const end = argv.indexOf('--');
  return (end < 0 ? argv : argv.slice(0, end)).includes(flag);
}
