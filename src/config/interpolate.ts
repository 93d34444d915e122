import { resolve } from 'node:path';
import { entriesOf, formatPath, isBranch, type Path } from './path.ts';
import type { Problem } from './problems.ts';
import { isSecretName } from './secrets.ts';

/** What references are replaced by. Null: there is no such variable. A file that cannot be read rejects. */
export interface ReferenceSource {
  variable(name: string): string | null;
  file(path: string): Promise<string>;
  /** Relative paths of files start here. */
  folder: string;
}

export interface Interpolated {
  tree: unknown;
  problems: Problem[];
  /** The values that contain references, by path, as they were written. */
  references: Map<string, WrittenReference>;
}

export interface WrittenReference {
  text: string;
  /** The references alone, without their defaults: `${DB_PASSWORD}`. */
  names: string[];
  /** Something secret was filled in: the content of a file, or a variable named like a secret. */
  secret: boolean;
}

/**
 * Fills in `${NAME}`, `${NAME:-default}` and `${file:path}` in every text value; `$${` is a plain `${`. What was filled in is
 * text and stays so: it is never searched for references again, nor read as YAML. Only a hook's line of shell stays as it was written.
 */
export async function interpolate(tree: unknown, source: ReferenceSource): Promise<Interpolated> {
  const found: Interpolated = { tree, problems: [], references: new Map() };
  found.tree = await fill(tree, [], source, found);
  return found;
}

/** Text in which nothing will be taken for a reference. */
export function escapeReferences(text: string): string {
  // A function: in a replacement text, `$$` would mean one `$`.
  return text.replaceAll('${', () => '$${');
}

async function fill(value: unknown, path: Path, source: ReferenceSource, found: Interpolated): Promise<unknown> {
  if (typeof value === 'string') return fillText(value, path, source, found);
  if (!isBranch(value)) return value;
  const filled: [string | number, unknown][] = [];
  for (const [key, inner] of entriesOf(value)) filled.push([key, await fill(inner, [...path, key], source, found)]);
  return Array.isArray(value) ? filled.map(([, inner]) => inner) : Object.fromEntries(filled);
}

/** A value filled into a line of shell would be read as shell. There, `${NAME}` is the shell's own. */
export function isVerbatim(path: Path): boolean {
  return path[0] === 'sources' && path[2] === 'hooks' && path.at(-1) === 'shell' && path.at(-2) !== 'env';
}

async function fillText(text: string, path: Path, source: ReferenceSource, found: Interpolated): Promise<string> {
  if (isVerbatim(path)) return text;
  let filled = '';
  let done = 0;
  for (const match of text.matchAll(/\$\$\{|\$\{([^}]*)(\}?)/g)) {
    filled += text.slice(done, match.index);
    done = match.index + match[0].length;
    if (match[0] === '$${') filled += '${';
    else {
      const reference = readReference(match[0]);
      const written = found.references.get(formatPath(path)) ?? { text, names: [], secret: false };
      written.names.push(match[0].replace(/:-[^}]*/, ''));
      written.secret ||= reference.kind === 'file' || isSecretName(reference.name);
      found.references.set(formatPath(path), written);
      const value = await lookUp(reference, source);
      if ('problem' in value) found.problems.push({ path, line: null, message: value.problem });
      else filled += standsInUserInfo(text, match.index, done) ? encodeURIComponent(value.text) : value.text;
    }
  }
  return filled + text.slice(done);
}

/**
 * `postgres://shop:${PASSWORD}@db/shop`: a password is not written for an address, and `@`, `/` or `%` in it would cut the
 * address in pieces. Such a value is always taken as it is and encoded.
 */
function standsInUserInfo(text: string, start: number, end: number): boolean {
  return (
    /^[a-z][a-z0-9+.-]*:\/\/[^/?#@]*$/i.test(withoutReferences(text.slice(0, start))) &&
    /^[^/?#@]*@/.test(withoutReferences(text.slice(end)))
  );
}

function withoutReferences(text: string): string {
  return text.replaceAll(/\$\{[^}]*\}/g, '');
}

type Reference =
  | { kind: 'variable'; name: string; otherwise: string | null }
  | { kind: 'file'; name: string }
  | { kind: 'unknown'; name: string };

function readReference(text: string): Reference {
  const variable = /^\$\{([A-Za-z_]\w*)(?::-([^}]*))?\}$/.exec(text);
  if (variable) return { kind: 'variable', name: variable[1] ?? '', otherwise: variable[2] ?? null };
  const file = /^\$\{file:([^}]+)\}$/.exec(text);
  return file ? { kind: 'file', name: (file[1] ?? '').trim() } : { kind: 'unknown', name: text };
}

async function lookUp(reference: Reference, source: ReferenceSource): Promise<{ text: string } | { problem: string }> {
  switch (reference.kind) {
    case 'variable': {
      const value = source.variable(reference.name);
      // As in a shell: `:-` also stands in for an empty variable.
      if (reference.otherwise !== null) return { text: value || reference.otherwise };
      if (value !== null) return { text: value };
      return { problem: `the variable ${reference.name} is not set; set it, or write \${${reference.name}:-default}` };
    }
    case 'file': {
      const path = resolve(source.folder, reference.name);
      try {
        return { text: (await source.file(path)).replace(/\r?\n$/, '') };
      } catch (error) {
        return { problem: `the file ${path} cannot be read (${reasonOf(error)})` };
      }
    }
    case 'unknown':
      return {
        problem:
          'holds a reference of unknown form; allowed: ${NAME}, ${NAME:-default}, ${file:/path}, and $${ for a plain ${',
      };
  }
}

export function reasonOf(error: unknown): string {
  const { code } = (error ?? {}) as NodeJS.ErrnoException;
  switch (code) {
    case 'ENOENT':
      return 'it does not exist';
    case 'EACCES':
    case 'EPERM':
      return 'no permission';
    case 'EISDIR':
      return 'it is a folder';
    default:
      return code ?? (error instanceof Error ? error.message : String(error));
  }
}
