import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

export const deployFolder = join(import.meta.dirname, '../../deploy');

export interface Service {
  image?: string;
  build?: unknown;
  profiles?: string[];
  container_name?: string;
  restart?: string;
  entrypoint?: string[];
  command?: string[];
  environment?: Record<string, string | null>;
  depends_on?: Record<string, { condition: string }>;
  healthcheck?: { test?: string[]; disable?: boolean; interval?: string; retries?: number };
  volumes?: string[];
  secrets?: string[];
  ports?: string[];
  tmpfs?: string[];
  read_only?: boolean;
  privileged?: boolean;
  user?: string;
  cap_drop?: string[];
  cap_add?: string[];
  security_opt?: string[];
  mem_limit?: string;
  stop_grace_period?: string;
  logging?: { driver: string; options: Record<string, string> };
}

export interface Stack {
  name: string;
  /** The text of its compose.yaml, and of its .env.example. */
  text: string;
  example: string;
  services: Record<string, Service>;
  volumes: Record<string, unknown>;
}

export function readStacks(): Stack[] {
  const folder = join(deployFolder, 'compose');
  return readdirSync(folder).map((name) => {
    const text = readFileSync(join(folder, name, 'compose.yaml'), 'utf8');
    const example = readFileSync(join(folder, name, '.env.example'), 'utf8');
    const parsed = parse(text, { strict: true }) as Pick<Stack, 'services' | 'volumes'>;
    return { name, text, example, services: parsed.services, volumes: parsed.volumes };
  });
}

/** The variables of an .env.example; those that are commented out, too, when `all` is asked for. */
export function exampleVariables(example: string, { all }: { all: boolean }): Map<string, string> {
  const lines = example.matchAll(all ? /^#?([A-Z][A-Z0-9_]*)=(.*)$/gm : /^([A-Z][A-Z0-9_]*)=(.*)$/gm);
  return new Map([...lines].map(([, name = '', value = '']) => [name, value]));
}

/** Fills in `${NAME}`, `${NAME:-default}` and `${NAME:?message}` as compose does, defaults within defaults included. */
export function filledIn(text: string, values: ReadonlyMap<string, string>): string {
  let done = '';
  let rest = text;
  for (let at = rest.indexOf('$'); at >= 0; at = rest.indexOf('$')) {
    done += rest.slice(0, at);
    rest = rest.slice(at);
    if (rest.startsWith('$$')) {
      done += '$';
      rest = rest.slice(2);
      continue;
    }
    const end = endOfReference(rest);
    const [, name = '', operator, word = ''] = /^\$\{([A-Z0-9_]+)(?:(:-|:\?)(.*))?\}$/s.exec(rest.slice(0, end)) ?? [];
    const value = values.get(name);
    if (name === '') throw new Error(`not a reference: ${rest.slice(0, end)}`);
    if (!value && operator === ':?') throw new Error(`${name} ${word}`);
    done += value || (operator === ':-' ? filledIn(word, values) : '');
    rest = rest.slice(end);
  }
  return done + rest;
}

function endOfReference(text: string): number {
  let depth = 0;
  for (let at = 1; at < text.length; at += 1) {
    if (text[at] === '{') depth += 1;
    if (text[at] === '}' && (depth -= 1) === 0) return at + 1;
  }
  throw new Error(`the reference has no end: ${text}`);
}

/** What a service finds in its environment; a name without a value is handed on, or is not there. */
export function environmentOf(service: Service, values: ReadonlyMap<string, string>): Record<string, string> {
  const entries = Object.entries(service.environment ?? {}).flatMap(([name, value]): [string, string][] => {
    const text = value === null ? values.get(name) : filledIn(value, values);
    return text === undefined ? [] : [[name, text]];
  });
  return Object.fromEntries(entries);
}

/** The variables of the `.env` that a compose file uses, by reference or by handing them on. */
export function usedVariables({ text, services }: Stack): Set<string> {
  const references = [...text.replaceAll('$$', '').matchAll(/\$\{([A-Z0-9_]+)/g)].map(([, name = '']) => name);
  const handed = Object.values(services).flatMap(({ environment = {} }) =>
    Object.entries(environment).flatMap(([name, value]) => (value === null ? [name] : [])),
  );
  return new Set([...references, ...handed]);
}
