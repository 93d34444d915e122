import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { giveBack } from '../../src/base/reuse.ts';
import { openFile } from './sqlite.ts';

/** Reads a backup to its end into nowhere, as a compressor takes it, and says how much memory that took at most, in KiB. */
const [path = '', scratch = ''] = process.argv.slice(2);
const signal = AbortSignal.timeout(60_000);
{
  await using snapshot = await openFile(path, scratch, { fingerprints: true }).open({ folders: false }, signal);
  const counting = snapshot.count(signal);
  for await (const part of snapshot.parts(signal)) {
    if (part.kind !== 'stream') throw new Error('a stream was expected');
    const nowhere = new Writable({
      write: (chunk: Buffer, _encoding, next) => {
        giveBack(chunk);
        setImmediate(next);
      },
    });
    await pipeline(part.open(signal), nowhere);
  }
  await counting;
}
process.stdout.write(String(process.resourceUsage().maxRSS));
