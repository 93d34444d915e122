import { HoldfastError } from '../../../base/errors.ts';

const tailBytes = 4096;

/** `-- Dump completed on 2026-11-20  5:15:00`, or without the time; nothing follows it. */
export function endsWhole(tail: Buffer): boolean {
  return /(?:^|\n)-- Dump completed(?: on [^\n]*)?\s*$/.test(tail.toString('latin1'));
}

/** A script that was cut off runs without an error, and only tables are missing: its own last words are the proof. */
export function watchEnd(): { add(chunk: Buffer): void; check(): void } {
  let tail: Buffer = Buffer.alloc(0);
  return {
    add: (chunk) => {
      // A copy: what was looked at may be freed.
      tail = Buffer.concat([tail, chunk.subarray(-tailBytes)]).subarray(-tailBytes);
    },
    check: () => {
      if (endsWhole(tail)) return;
      throw new HoldfastError('DUMP_DAMAGED', 'the dump does not end as mariadb-dump or mysqldump ends one', {
        kind: 'integrity',
        hint: 'It was cut off, or made with --skip-comments. Use another backup.',
      });
    },
  };
}
