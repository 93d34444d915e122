import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { environmentPage } from './environment-page.ts';

test('the documentation of variables is that of the table', async () => {
  const page = await readFile(new URL('../../docs/environment.md', import.meta.url), 'utf8');
  expect(page, 'write it anew: node scripts/write-schemas.ts').toBe(environmentPage());
});
