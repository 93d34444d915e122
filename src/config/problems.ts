import type { z } from 'zod';
import { HoldfastError } from '../base/errors.ts';
import { withoutSecrets } from '../base/secret.ts';
import { nearest } from './nearest.ts';
import { formatPath, isBranch, valueAt, type Path } from './path.ts';
import { isSecretPath, mask, showable } from './secrets.ts';

/** One thing that is wrong with the configuration. The message reads on from the path: `retention.last` `must be ...`. */
export interface Problem {
  path: Path;
  line: number | null;
  message: string;
  /** Said instead of the path when the setting came from the environment. */
  variable?: string;
}

/** The keys that are allowed somewhere; null where any are, or none is known. */
export type AllowedKeys = (path: Path) => readonly string[] | null;

/** All of it at once, in the order of the file. */
export function configInvalid(problems: readonly Problem[], file: string | null): HoldfastError {
  const sorted = problems.toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0));
  const lines = sorted.map((problem) => withoutSecrets(formatProblem(problem, file)));
  const count = lines.length === 1 ? 'a problem' : `${lines.length} problems`;
  return new HoldfastError(
    'CONFIG_INVALID',
    `${file ?? 'the environment'} has ${count}:\n${lines.map((text) => `  ${text}`).join('\n')}`,
    {
      kind: 'usage',
      hint: 'Correct it, then run `holdfast config validate`. `holdfast schema` prints everything that is allowed.',
      details: {
        file,
        problems: sorted.map(({ path, line, message, variable }) => ({
          path: formatPath(path),
          line,
          variable: variable ?? null,
          message: withoutSecrets(message),
        })),
      },
    },
  );
}

export function formatProblem({ path, line, message, variable }: Problem, file: string | null): string {
  const place = file !== null && line !== null ? `${file}:${line}: ` : '';
  return `${place}${[variable ?? formatPath(path), message].filter((part) => part !== '').join(' ')}`;
}

export function problemsOf(error: z.ZodError, tree: unknown, allowedKeys: AllowedKeys): Problem[] {
  return error.issues.flatMap((issue) => describe(issue, tree, allowedKeys));
}

function describe(issue: z.core.$ZodIssue, tree: unknown, allowedKeys: AllowedKeys): Problem[] {
  const path = issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part));
  const value = valueAt(tree, path);
  const problem = (message: string): Problem[] => [{ path, line: null, message }];
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => unknownKey([...path, key], allowedKeys(path)));
  }
  if (value === undefined) return problem(missing(issue));
  const is = `, is ${quote(path, value)}`;
  if (wasWordedByTheSchema(issue)) return problem(`${issue.message}${isBranch(value) ? '' : is}`);
  switch (issue.code) {
    case 'invalid_type':
      return problem(`must be ${kinds[issue.expected] ?? issue.expected}${is}${quotesHint(issue.expected, value)}`);
    case 'invalid_value':
      return problem(choices(path, value, issue.values.map(String)));
    case 'invalid_union': {
      const branch = closestBranch(issue.errors);
      if ('options' in issue && Array.isArray(issue.options))
        return problem(choices(path, value, issue.options.filter((option) => option !== undefined).map(String)));
      if (branch)
        return branch.flatMap((inner) => describe({ ...inner, path: [...path, ...inner.path] }, tree, allowedKeys));
      return problem(`is not allowed here${is}`);
    }
    case 'too_small':
      return problem(`must be at least ${issue.minimum}${is}`);
    case 'too_big':
      return problem(`must be at most ${issue.maximum}${is}`);
    default:
      return problem(`${issue.message.charAt(0).toLowerCase()}${issue.message.slice(1)}${isBranch(value) ? '' : is}`);
  }
}

/** The library's sentences begin with a capital letter; those of our schemas read on from the path. */
function wasWordedByTheSchema(issue: z.core.$ZodIssue): boolean {
  return issue.code === 'custom' || /^[a-z]/.test(issue.message);
}

function unknownKey(path: Path, allowed: readonly string[] | null): Problem {
  const key = String(path.at(-1));
  const close = allowed && nearest(key, allowed);
  const parts = ['is not a known key', close && `did you mean ${close}?`, allowed && `allowed: ${allowed.join(', ')}`];
  return { path, line: null, message: parts.filter(Boolean).join('; ') };
}

function missing(issue: z.core.$ZodIssue): string {
  if (issue.code === 'custom') return issue.message;
  const options = 'options' in issue && Array.isArray(issue.options) ? `; allowed: ${issue.options.join(', ')}` : '';
  return `is missing${options}`;
}

function choices(path: Path, value: unknown, allowed: readonly string[]): string {
  const close = typeof value === 'string' && !isSecretPath(path) ? nearest(value, allowed) : null;
  return `is ${quote(path, value)}${close ? `; did you mean ${close}?` : ''}; allowed: ${allowed.join(', ')}`;
}

/** Of several allowed forms, the one that was evidently meant: the one whose problems lie deepest inside. */
function closestBranch(branches: readonly z.core.$ZodIssue[][]): z.core.$ZodIssue[] | undefined {
  const depth = (issues: z.core.$ZodIssue[]) => Math.max(0, ...issues.map((issue) => issue.path.length));
  const isForm = (issues: z.core.$ZodIssue[]) =>
    issues.every(({ code, path }) => code !== 'invalid_type' || path.length > 0);
  return branches.filter(isForm).sort((a, b) => depth(b) - depth(a))[0] ?? branches[0];
}

/** A value in a message; a secret is dots. */
export function quote(path: Path, value: unknown): string {
  if (isBranch(value)) return Array.isArray(value) ? 'a list' : 'a map';
  const shown = showable(path, value);
  return shown === mask ? mask : JSON.stringify(shown);
}

function quotesHint(expected: string, value: unknown): string {
  return expected === 'string' && (typeof value === 'number' || typeof value === 'boolean') ? '; put it in quotes' : '';
}

const kinds: Record<string, string | undefined> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map of keys and values',
  record: 'a map of names',
};
