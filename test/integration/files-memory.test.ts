import { spawnSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../support/temporary-folder.ts';

const script = join(import.meta.dirname, '../support/file-trees-process.ts');

test('S29: memory does not grow with the number of files, nor with their size', { timeout: 240_000 }, async () => {
  await using folder = await temporaryFolder();
  const small = await peakOf(folder.path, 'small', { files: 500, large: 30 });
  const many = await peakOf(folder.path, 'many', { files: 15_000, large: 30 });
  const large = await peakOf(folder.path, 'large', { files: 500, large: 500 });
  const told = JSON.stringify({ small, many, large });
  expect(many - small, told).toBeLessThan(60);
  expect(large - small, told).toBeLessThan(60);
});

/** Of a process that reads a tree and lays it down again, in megabytes. */
async function peakOf(
  folder: string,
  name: string,
  { files, large }: { files: number; large: number },
): Promise<number> {
  const source = join(folder, name);
  await mkdir(join(source, 'sub'), { recursive: true });
  for (let at = 0; at < files; at += 1)
    await writeFile(join(source, 'sub', `file ${at}`), `content of ${at}`.repeat(50));
  const piece = Buffer.alloc(1024 * 1024, 'holdfast');
  await writeFile(
    join(source, 'large'),
    (function* content() {
      for (let at = 0; at < large; at += 1) yield piece;
    })(),
  );
  const { stdout, stderr } = spawnSync(process.execPath, [script, 'memory', source, folder], { encoding: 'utf8' });
  expect(stderr).toBe('');
  const said = JSON.parse(stdout) as { megabytes: number; files: number };
  expect(said.files).toBe(files + 1);
  return said.megabytes;
}
