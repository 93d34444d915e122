import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findStateFolder } from './state-folder.ts';

let cwd: string;
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'holdfast-state-'));
});
afterEach(() => rmSync(cwd, { recursive: true, force: true }));

const source = 'sources: { shop: { database: { url: "postgres://x@h/shop" } } }';
const write = (text: string, name = 'holdfast.yaml') => writeFileSync(join(cwd, name), text, { mode: 0o600 });
const find = (env: Record<string, string> = {}, path?: string) => findStateFolder({ path, env, cwd });

test('the variable wins, then what the file says, then its default beside the file', async () => {
  write(`${source}\nstate: ./here\n`);
  expect(await find({ HOLDFAST_STATE: 'there' })).toBe(join(cwd, 'there'));
  expect(await find()).toBe(join(cwd, 'here'));
  write(source);
  expect(await find()).toBe(join(cwd, 'state'));
});

test('a file that is named is read, and paths in it are counted from where it lies', async () => {
  write('state: /var/lib/other', 'other.yaml');
  expect(await find({}, 'other.yaml')).toBe('/var/lib/other');
  expect(await find({ HOLDFAST_CONFIG: join(cwd, 'other.yaml') })).toBe('/var/lib/other');
});

test('whatever else is wrong in the file does not matter', async () => {
  write('state: ./here\nsources: { shop: { typo: 1 } }\nnonsense: true\n');
  expect(await find()).toBe(join(cwd, 'here'));
});

test('references, files with values and variables alone are read in full', async () => {
  write(`${source}\nstate: "\${PLACE:-./elsewhere}"\n`);
  expect(await find({ PLACE: './chosen' })).toBe(join(cwd, 'chosen'));
  expect(await find()).toBe(join(cwd, 'elsewhere'));
  write(join(cwd, 'by-file\n'), 'state.txt');
  expect(await find({ HOLDFAST_STATE_FILE: join(cwd, 'state.txt') })).toBe(join(cwd, 'by-file'));
  rmSync(join(cwd, 'holdfast.yaml'));
  expect(await find({ HOLDFAST_DATABASE_URL: 'postgres://x@h/shop' })).toBe(join(cwd, 'state'));
});

test('a file that is named and not there, or that is no YAML, is the same error as everywhere', async () => {
  await expect(find({}, 'missing.yaml')).rejects.toMatchObject({ code: 'CONFIG_MISSING' });
  write('state: [');
  await expect(find()).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
});
