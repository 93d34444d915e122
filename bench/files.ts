import { mkdir, mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { besides, comparedFindings, type Bound } from './compared.ts';
import { measureShell } from './measure.ts';
import { randomNumbers } from './random.ts';
import type { Finding } from './report.ts';
import { rounds } from './rounds.ts';
import { backUpUntilSealed, configure, plainEnvironment } from './sealed.ts';

const names = { tar: 'tar | zstd -3, to a file', holdfast: 'holdfast backup, until sealed' } as const;
type Contender = keyof typeof names;

const bounds: readonly Bound<Contender>[] = [{ ours: 'holdfast', beside: 'tar', words: 'x tar | zstd', most: 1.15 }];

/** Many small files and a single large one, beside what `tar | zstd` takes for the same folder. */
export async function benchmarkFiles(program: string, runs: number, signal: AbortSignal): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const [title, fill] of [
    ['100,000 small files', fillSmall],
    ['one file of 4 GB', fillLarge],
  ] as const) {
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-bench-files-'));
    try {
      const data = join(folder, 'data');
      await mkdir(data);
      await fill(data, signal);
      const env = plainEnvironment();
      const task = { program, folder, sources: { files: { files: [{ path: data }] } }, env, signal };
      await configure(task);
      const tar = `tar -C '${folder}' -cf - data | zstd -q -f -3 -o '${folder}/data.tar.zst'`;
      const turn = (who: Contender) =>
        who === 'tar' ? measureShell(tar, env, signal) : backUpUntilSealed(task, 'files');
      const results = await rounds<Contender>(runs, ['tar', 'holdfast'], turn, signal, besides(bounds));
      findings.push(...comparedFindings({ group: `files, ${title}`, names, results }, bounds));
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
  return findings;
}

/** Sizes as uploads have them: most are small, some are larger; texts of which a third is left when they are compressed. */
async function fillSmall(folder: string, signal: AbortSignal): Promise<void> {
  const random = randomNumbers();
  for (let group = 0; group < 1000; group += 1) {
    signal.throwIfAborted();
    const at = join(folder, `${group % 20}`, `${group}`);
    await mkdir(at, { recursive: true });
    for (let file = 0; file < 100; file += 1) {
      await writeFile(join(at, `${file}.json`), textOf(Math.floor(300 + random() ** 3 * 30_000), random));
    }
  }
}

async function fillLarge(folder: string, signal: AbortSignal): Promise<void> {
  const random = randomNumbers();
  await using file = await open(join(folder, 'large'), 'w');
  const pieces = Array.from({ length: 64 }, () => Buffer.from(textOf(1024 * 1024, random)));
  for (let written = 0; written < 4096; written += 1) {
    signal.throwIfAborted();
    await file.write(pieces[Math.floor(random() * pieces.length)] ?? Buffer.alloc(0));
  }
}

function textOf(length: number, random: () => number): string {
  let text = '';
  while (text.length < length)
    text += `{"id":${Math.floor(random() * 1e9)},"name":"${random().toString(36).slice(2)}","on":true}\n`;
  return text.slice(0, length);
}
