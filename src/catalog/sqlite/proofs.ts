import type { ProofRecord, ProofRecords } from '../catalog.ts';
import type { Connection, Row } from './connection.ts';
import { fromJson, toJson } from './json.ts';

export function proofRecords(connection: Connection): ProofRecords {
  const put = ({ kind, source, backup, storage, at, ok, depth, seconds, result }: ProofRecord) => {
    connection.run(
      `insert or replace into proofs (kind, source, backup, storage, at, ok, depth, seconds, result)
       values ($kind, $source, $backup, $storage, $at, $ok, $depth, $seconds, $result)`,
      { kind, source, backup, storage, at, ok: ok ? 1 : 0, depth, seconds, result: toJson(result) },
    );
  };
  return {
    add: (proof) => {
      const { kind, source, backup, storage, at } = proof;
      connection.transaction(() => {
        connection.run(
          `delete from proofs where kind = $kind and source = $source and backup = $backup and storage = $storage
             and at > $at`,
          { kind, source, backup, storage, at },
        );
        put(proof);
      });
    },
    learn: put,
    list: ({ source, backup, kind }) =>
      connection
        .all(
          `select * from proofs
           where ($source is null or source = $source) and ($backup is null or backup = $backup)
             and ($kind is null or kind = $kind) and storage not like '?%'
           order by at desc, rowid desc`,
          { source: source ?? null, backup: backup ?? null, kind: kind ?? null },
        )
        .map(toProof)
        .toSorted(newestFirst),
    move: (from, to) => {
      connection.run(`update or replace proofs set storage = $to where storage = $from and kind = 'verify'`, {
        from,
        to,
      });
    },
    remove: (source, backup) => {
      connection.run('delete from proofs where source = $source and backup = $backup', { source, backup });
    },
  };
}

/** The same drill lies beside every copy: before all, it is that of the copy that was restored. */
function newestFirst(left: ProofRecord, right: ProofRecord): number {
  if (left.at !== right.at) return left.at < right.at ? 1 : -1;
  return Number(isOfItsCopy(right)) - Number(isOfItsCopy(left));
}

function isOfItsCopy({ storage, result }: ProofRecord): boolean {
  return typeof result === 'object' && result !== null && 'storage' in result && result.storage === storage;
}

function toProof(row: Row): ProofRecord {
  return {
    kind: row['kind'] as ProofRecord['kind'],
    source: row['source'] as string,
    backup: row['backup'] as string,
    storage: row['storage'] as string,
    at: row['at'] as string,
    ok: row['ok'] === 1,
    depth: row['depth'] as string | null,
    seconds: row['seconds'] as number,
    result: fromJson(row['result']),
  };
}
