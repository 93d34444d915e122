import { throwIfAborted } from '../../../base/abort.ts';
import { HoldfastError } from '../../../base/errors.ts';
import { server } from './faults.ts';

interface Session extends AsyncDisposable {
  readonly address: { host: string; port: number; database: string };
  value<T>(sql: string): Promise<T>;
}

/** The server's process that answers just now; another than the one told at the login shows that somebody stands in between. The limit ends with the question. */
export function servingProcess(session: Pick<Session, 'value'>): Promise<number> {
  return session.value<number>('set local statement_timeout = 0; select pg_catalog.pg_backend_pid()');
}

/**
 * A pooler may give each of us a session of the server, or lend one for as long as a transaction. Lent, settings reach the application, whose
 * tables are then not found (`search_path`), and not the tool that was to read under them.
 */
export async function refuseLent(
  session: Session,
  open: (signal: AbortSignal) => Promise<Session>,
  signal: AbortSignal,
): Promise<void> {
  if (!(await isLent(session, open, signal))) return;
  const { address } = session;
  throw new HoldfastError(
    'DATABASE_POOLED',
    `${server(address)} is a pooler that lends sessions of the server by the transaction`,
    {
      kind: 'refused',
      hint: `Give the address of the server itself, or the pooler's port with session pooling: what is set for a backup would stay for the application that gets the session next.`,
      details: { server: server(address), database: address.database },
    },
  );
}

/** Two that are connected at once are never answered by the same process where each has its own, and each always by the same. */
async function isLent(
  session: Session,
  open: (signal: AbortSignal) => Promise<Session>,
  signal: AbortSignal,
): Promise<boolean> {
  const [ours, theirs] = [new Set<number>(), new Set<number>()];
  try {
    await using other = await open(AbortSignal.any([signal, AbortSignal.timeout(waitMs)]));
    for (let round = 0; round < rounds; round += 1) {
      // Twice: one that lends its sessions in turn would by turns give each of us the same.
      ours.add(await servingProcess(session)).add(await servingProcess(session));
      theirs.add(await servingProcess(other));
      if (ours.size > 1 || theirs.size > 1 || !ours.isDisjointFrom(theirs)) return true;
    }
  } catch {
    // No second place: it was never free because this session is ours alone.
    throwIfAborted(signal);
  }
  return false;
}

const rounds = 5;
const waitMs = 3000;
