import { HoldfastError } from '../../../base/errors.ts';
import type { Send } from './feed-script.ts';
import type { ScriptContents } from '../read/script-tables.ts';

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
export function refuseOwnTransactions({ commits }: Pick<ScriptContents, 'commits'>): void {
  if (!commits) return;
  throw new HoldfastError(
    'SCRIPT_COMMITS',
    'the plain dump begins and ends transactions itself, as those with large objects do',
    {
      kind: 'refused',
      hint: 'It cannot be restored in one transaction. Restore by swap, or with `--into` a new database.',
    },
  );
}

function noCommit(): HoldfastError {
  return new HoldfastError('DUMP_DAMAGED', 'the script of pg_restore does not end as it should', {
    kind: 'integrity',
    hint: 'Use another backup; `holdfast verify` tells which ones are whole.',
  });
}
