import { mkdir, mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { memoryFinding } from './backup-findings.ts';
import { measure, measureShell, median } from './measure.ts';
import type { Finding } from './report.ts';
import { rounds, type Taken } from './rounds.ts';

const names = { holdfast: 'holdfast backup, local disk', tar: 'tar | zstd -3, to a file' } as const;
type Contender = keyof typeof names;

/** Many small files and a single large one, beside what `tar | zstd` takes for the same folder. */
export async function benchmarkFiles(program: string, runs: number, signal: AbortSignal): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const [title, fill] of [
    ['100,000 small files', fillSmall],
    ['one file of 4 GB', fillLarge],
  ] as const) {
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-bench-files-'));
    try {
      await mkdir(join(folder, 'data'));
      await fill(join(folder, 'data'), signal);
      const results = await rounds<Contender>(
        runs,
        ['holdfast', 'tar'],
        (who) => turn(who, { folder, program, signal }),
        signal,
      );
      findings.push(...findingsOf(title, results));
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
  return findings;
}

async function turn(
  who: Contender,
  { folder, program, signal }: { folder: string; program: string; signal: AbortSignal },
): Promise<Taken> {
  const env = { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '' };
  if (who === 'tar')
    return measureShell(`tar -C '${folder}' -cf - data | zstd -q -3 >'${folder}/data.tar.zst'`, env, signal);
  const config = join(folder, 'holdfast.yaml');
  const source = { files: [{ path: join(folder, 'data') }], retention: { last: 1 } };
  await writeFile(
    config,
    stringify({
      state: './state',
      sources: { files: source },
      storages: { local: { type: 'local', path: './backups' } },
    }),
    { mode: 0o600 },
  );
  const measured = await measure(program, ['backup', 'files', '--json', '--config', config], env, signal);
  const { bytes, sealedAt } = JSON.parse(measured.stdout) as { bytes: number; sealedAt: string };
  return { ...measured, bytes, seconds: (Date.parse(sealedAt) - measured.startedAt) / 1000 };
}

function findingsOf(title: string, results: ReadonlyMap<Contender, Taken[]>): Finding[] {
  const group = `files, ${title}`;
  const [own = [], stock = []] = [results.get('holdfast'), results.get('tar')];
  const seconds = median(own.map((taken) => taken.seconds));
  const limit = median(stock.map((taken) => taken.seconds));
  const ratio = seconds / limit;
  const bytes = own.at(-1)?.bytes;
  return [
    { group, name: names.tar, seconds: limit },
    {
      group,
      name: names.holdfast,
      seconds,
      ...(bytes === undefined ? {} : { bytes }),
      measured: `${ratio.toFixed(2)} x tar | zstd`,
      bound: '<= 1.15 x',
      ok: ratio <= 1.15,
    },
    memoryFinding(group, names.holdfast, own),
  ];
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
    const piece = pieces[Math.floor(random() * pieces.length)] ?? Buffer.alloc(0);
    await file.write(piece.subarray(0, piece.length));
  }
}

function textOf(length: number, random: () => number): string {
  let text = '';
  while (text.length < length)
    text += `{"id":${Math.floor(random() * 1e9)},"name":"${random().toString(36).slice(2)}","on":true}\n`;
  return text.slice(0, length);
}

/** Always the same ones. */
function randomNumbers(): () => number {
  let seed = 1;
  return () => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return seed / 0x8000_0000;
  };
}
