import type { Readable } from 'node:stream';
import { HoldfastError } from '../../base/errors.ts';
import type { Send } from './feed-script.ts';

/**
 * Passes on a script of `pg_restore --single-transaction` but for its last COMMIT. Without that option pg_restore commits around large
 * objects, in the middle of our transaction; with it, it ends with a commit of its own, before anybody knows its exit status.
 */
export function withoutLastCommit(send: Send): { send: Send; end: () => Promise<void> } {
  let held = Buffer.alloc(0);
  return {
    send: async (text) => {
      held = Buffer.concat([held, typeof text === 'string' ? Buffer.from(text) : text]);
      if (held.length <= 2 * heldBytes) return;
      const passed = held.subarray(0, -heldBytes);
      held = Buffer.from(held.subarray(-heldBytes));
      await send(passed);
    },
    end: async () => {
      const text = held.toString('latin1');
      const match = lastCommit.exec(text);
      if (!match) throw noCommit();
      await send(held.subarray(0, match.index));
      await send(Buffer.from(text.slice(match.index).replace('COMMIT;', ''), 'latin1'));
    },
  };
}

const heldBytes = 4096;
const lastCommit = /(?<=\n)COMMIT;\n(?:\n|--[^\n]*\n|\\unrestrict [A-Za-z0-9]+\n)*$/;

/** Text that ends its transaction itself (pg_dump's scripts do, around large objects) cannot be part of ours. */
export async function refuseOwnTransactions(script: Readable): Promise<void> {
  let open = '';
  for await (const chunk of script as AsyncIterable<Buffer>) {
    const text = open + chunk.toString('latin1');
    if (ownTransaction.test(text)) {
      script.destroy();
      throw new HoldfastError(
        'SCRIPT_COMMITS',
        'the plain dump begins and ends transactions itself, as those with large objects do',
        {
          kind: 'refused',
          hint: 'It cannot be restored in one transaction. Restore by swap, or with `--into` a new database.',
        },
      );
    }
    open = text.slice(text.lastIndexOf('\n') + 1).slice(-256);
  }
}

const ownTransaction = /^\s*(BEGIN|COMMIT|ROLLBACK|START TRANSACTION)\s*;\s*$/im;

function noCommit(): HoldfastError {
  return new HoldfastError('DUMP_DAMAGED', 'the script of pg_restore does not end as it should', {
    kind: 'integrity',
    hint: 'Use another backup; `holdfast verify` tells which ones are whole.',
  });
}
