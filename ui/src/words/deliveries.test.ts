import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { deliveriesEn } from './deliveries.ts';

test('whatever a channel can fail with has words', () => {
  const folder = join(import.meta.dirname, '../../../src/notify');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    /(?<!\.test)\.ts$/.test(name),
  );
  const codes = files.flatMap(
    (name) => readFileSync(join(folder, name), 'utf8').match(/(?<=HoldfastError\(\s*')ALERT_[A-Z_]+(?=')/g) ?? [],
  );
  expect(codes.length).toBeGreaterThan(5);
  expect(Object.keys(deliveriesEn)).toEqual(expect.arrayContaining([...new Set(codes)]));
});
