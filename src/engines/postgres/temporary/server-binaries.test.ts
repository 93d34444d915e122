import { expect, test } from 'vitest';
import { chooseServer } from './server-binaries.ts';

const found = ['17.2', '14.9', '15.18', '18.4'].map((version) => ({ bin: `/usr/lib/postgresql/${version}`, version }));

test.each([
  [15, '15.18'],
  [16, '17.2'],
  [13, '14.9'],
  [null, '18.4'],
  [19, undefined],
])('for a backup of server %s: %s', (major, version) => {
  expect(chooseServer(found, major)?.version).toBe(version);
});
