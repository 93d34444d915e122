import { HoldfastError, systemLimit } from './errors.ts';

export interface ToolFailure {
  tool: string;
  status: number | null;
  signal: NodeJS.Signals | null;
  stderr: string;
}

/** The facts of a failed program, for adapters that translate its words into our errors. */
export function toolFailure(error: unknown): ToolFailure | null {
  if (!(error instanceof HoldfastError) || error.code !== 'TOOL_FAILED') return null;
  const { tool = '', status = null, signal = null, stderr = '' } = error.details as Partial<ToolFailure>;
  return { tool, status, signal, stderr };
}

/** What a failed program wrote last, wherever in the chain of causes it stands; without the lines that hold values of rows. */
export function lastWordsOfTool(error: unknown): string[] {
  for (let at = error; at instanceof Error; at = at.cause) {
    const failure = toolFailure(at);
    if (!failure) continue;
    const lines = failure.stderr.split('\n').filter((line) => line.trim() && !/\b(DETAIL|CONTEXT): /.test(line));
    return lines.slice(-shownLines).map((line) => line.slice(0, shownCharacters));
  }
  return [];
}

const shownLines = 20;
const shownCharacters = 500;

/** `what` says how it failed where the status does not. */
export function failedProcess(program: string, facts: Omit<ToolFailure, 'tool'>, what?: string): HoldfastError {
  const tool = program.split('/').at(-1) ?? program;
  const { status, signal, stderr } = facts;
  const how = what ?? (signal ? `was ended by ${signal}` : `ended with status ${status}`);
  const last = stderr.trim().split('\n').slice(-3).join('; ');
  return new HoldfastError('TOOL_FAILED', `${tool} ${how}${last ? `: ${last}` : ''}`, {
    details: { tool, status, signal, stderr } satisfies ToolFailure,
  });
}

export function couldNotStart(program: string, error: NodeJS.ErrnoException): HoldfastError {
  const limit = systemLimit(error, 'process');
  if (limit) {
    return new HoldfastError('SYSTEM_LIMIT', `${program} could not be started: ${limit.what}`, {
      cause: error,
      hint: limit.hint,
      retryable: true,
    });
  }
  if (error.code !== 'ENOENT') {
    return new HoldfastError('TOOL_NOT_STARTED', `${program} could not be started: ${error.message}`, { cause: error });
  }
  return new HoldfastError('TOOL_MISSING', `the program ${program} was not found`, {
    cause: error,
    hint: `Install ${program}, or give its full path in the configuration.`,
  });
}
