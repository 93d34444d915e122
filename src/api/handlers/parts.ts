import type { Access, Principal } from '../../access/access.ts';
import { allows, visible, type Action } from '../../access/roles.ts';
import { HoldfastError } from '../../base/errors.ts';
import type { Finding } from '../../care/alerts/finding.ts';
import type { Source } from '../../care/source.ts';
import type { Environment } from '../../config/environment.ts';
import type { Catalog, RunRecord } from '../../catalog/catalog.ts';
import type { House } from '../../house.ts';
import type { Threads } from '../../pipeline/digest-places.ts';
import type { DaemonView } from '../../schedule/daemon.ts';
import type { RunView } from '../contract.ts';
import type { Listings } from '../listings.ts';
import type { ProviderSettings } from '../options.ts';
import type { Call } from '../register.ts';
import { notSignedIn } from '../authenticate.ts';
import { notAllowed } from '../register.ts';
import type { RunWatch } from '../run-watch.ts';
import type { Begun, Work } from '../work.ts';

/** What handlers work with. */
export interface ApiParts {
  /** Its catalog always answers, from a copy where it has to. */
  readonly house: House;
  /** The catalog as it is: what cannot be written there is not done, but by routes that go on without. */
  readonly strict: Catalog;
  readonly access: Access;
  readonly daemon: DaemonView;
  readonly work: Work;
  readonly listings: Listings;
  readonly watch: RunWatch;
  /** Wishes with an Idempotency-Key that are just being begun. */
  readonly repeating: Map<string, Promise<Begun>>;
  readonly publicUrl: string | null;
  /** Bytes. */
  readonly maxUpload: number;
  /** For the digests of large files that come and go. */
  readonly threads: Threads;
  readonly provider: ProviderSettings | null;
  readonly reloading: Reloading;
  /** Fires when the server is about to end: what would go on for ever ends. */
  readonly closing: AbortSignal;
}

/** How changed settings come into effect. */
export interface Reloading {
  readonly env: Environment;
  readonly cwd: string;
  /** As soon as nothing runs. */
  ask(): void;
  pending(): boolean;
  /** They do so at this moment. */
  handingOver(): boolean;
}

/** The sources whoever asks may see. */
export async function sourcesFor({ house }: ApiParts, call: Call): Promise<readonly Source[]> {
  return visible(grantOf(call), await house.findSources(call.signal));
}

/** What a check found, as far as it concerns sources and storages of whoever asks, and tells of no other. */
export function findingsFor<Found extends Finding>(
  call: Call,
  sources: readonly Source[],
  findings: readonly Found[],
): Found[] {
  const grant = grantOf(call);
  if (grant.sources === null) return [...findings];
  const storages = new Set(sources.flatMap((source) => source.storages.map(({ name }) => name)));
  return findings.filter(({ source, storage, tellsOf }) => {
    if (tellsOf !== undefined && !allows(grant, 'read', tellsOf)) return false;
    return source === null ? storage === null || storages.has(storage) : allows(grant, 'read', source);
  });
}

/**
 * The named source, or the only one there is for whoever asks. One they may not see does not exist for them; one they may see and do nothing
 * with is refused.
 */
export async function sourceFor(
  parts: ApiParts,
  call: Call,
  name: string | undefined,
  action: Action,
): Promise<Source> {
  const sources = await sourcesFor(parts, call);
  const [only, ...others] = sources;
  const found =
    name === undefined ? (others.length === 0 ? only : undefined) : sources.find((each) => each.name === name);
  if (!found) throw name === undefined && others.length > 0 ? sourceNeeded(sources) : sourceUnknown(name, sources);
  call.note({ source: found.name });
  if (!allows(grantOf(call), action, found.name)) throw notAllowed(action);
  return found;
}

export function grantOf({ principal }: Call): Principal['grant'] {
  if (!principal) throw notSignedIn();
  return principal.grant;
}

/** Who began a run, for its record; for the log, by name. */
export function askerOf({ principal }: Pick<Call, 'principal'>): { trigger: 'console' | 'api'; asker: string } {
  const kind = principal?.kind === 'user' ? 'console' : 'token';
  return { trigger: kind === 'console' ? 'console' : 'api', asker: `${principal?.name ?? 'nobody'} (${kind})` };
}

export function runToView({ catalog }: Pick<House, 'catalog'>, record: RunRecord): RunView {
  return { ...record, progress: record.finishedAt === null ? catalog.runs.progressOf(record.id) : null };
}

/** How long `?wait=` may take. */
const longestWaitMs = 10 * 60_000;

/** The run as it is, or as it is when it has ended, whichever comes first. */
export async function begun(
  { house, closing }: ApiParts,
  { request, signal, note }: Pick<Call, 'request' | 'signal' | 'note'>,
  { run, ended }: Begun,
  wait: string | undefined,
): Promise<{ run: RunView }> {
  const recordOf = () => {
    const record = house.catalog.runs.get(run);
    if (!record) throw runUnknown(run);
    return record;
  };
  recordOf();
  note({ run });
  if (wait !== undefined) {
    // Otherwise the connection would be taken for dead while nothing is said.
    request.raw.socket.setTimeout(0);
    const ms = Number.parseInt(wait, 10) * (wait.endsWith('m') ? 60_000 : 1000);
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, Math.min(ms, longestWaitMs));
    for (const end of [closing, signal]) end.addEventListener('abort', () => late.resolve(), { once: true });
    await Promise.race([ended, late.promise]);
    clearTimeout(timer);
  }
  return { run: runToView(house, recordOf()) };
}

export function runUnknown(id: string): HoldfastError {
  return new HoldfastError('RUN_UNKNOWN', `there is no run ${id}`, {
    kind: 'usage',
    hint: 'GET /api/v1/runs lists them; old ones are forgotten.',
  });
}

/** Names only those that whoever asks may see. */
function sourceUnknown(name: string | undefined, sources: readonly Source[]): HoldfastError {
  const message = name === undefined ? 'there is no source' : `there is no source named "${name}"`;
  const hint =
    sources.length === 0
      ? 'None is configured that may be seen with this sign-in or token.'
      : `There are: ${namesOf(sources)}.`;
  return new HoldfastError('SOURCE_UNKNOWN', message, { kind: 'usage', hint });
}

function sourceNeeded(sources: readonly Source[]): HoldfastError {
  return new HoldfastError('SOURCE_NEEDED', 'there are several sources', {
    kind: 'usage',
    hint: `Say which one: ${namesOf(sources)}.`,
  });
}

function namesOf(sources: readonly Source[]): string {
  return sources.map(({ name }) => name).join(', ');
}
