import { checkedPieces } from '../../archive/checked-pieces.ts';
import { readSealed } from '../../archive/copy.ts';
import { readKeySet, type KeyFile } from '../../archive/keys/key-files.ts';
import type { Manifest } from '../../archive/format/manifest.ts';
import { openStored } from '../../archive/open-stored.ts';
import { HoldfastError } from '../../base/errors.ts';
import { resolveBackup } from '../../care/stock/select.ts';
import type { Source } from '../../care/source.ts';
import { readingLock } from '../../care/proof/verify.ts';
import { holdLock, type Lease } from '../../catalog/lease.ts';
import type { Threads } from '../../pipeline/digest-places.ts';
import type { Storage } from '../../storage/storage.ts';
import type { Call, Handlers } from '../register.ts';
import { tarOf, type TarEntry } from '../tar.ts';
import { sourceFor, type ApiParts } from './parts.ts';
import { begin, finished, sendPieces } from './send-file.ts';

interface Place {
  source: Source;
  storage: Storage;
  id: string;
}

export function downloadHandlers(parts: ApiParts): Pick<Handlers, 'downloadBackup' | 'downloadArtifact'> {
  const { house, threads } = parts;
  const find = async (
    call: Call,
    named: { source: string; id: string },
    storage: string | undefined,
  ): Promise<Place> => {
    const source = await sourceFor(parts, call, named.source, 'download');
    const wanted = storage === undefined ? null : house.storageOf(source, storage);
    const request = { source, storage: wanted, id: named.id, catalog: house.catalog, signal: call.signal };
    const found = await resolveBackup(request);
    call.note({ target: found.id });
    return { source, storage: found.storage, id: found.id };
  };
  /** Nobody may remove it underneath. */
  const hold = ({ source, id }: Place, { signal }: Call): Promise<Lease> =>
    holdLock({ ...house, name: readingLock(source.name, id), run: null, mode: 'shared', signal });

  return {
    downloadBackup: async (call) => {
      const place = await find(call, call.params, call.query.storage);
      await using lease = await hold(place, call);
      const { content, manifest } = await readSealed(place.storage, place.source.name, place.id, lease.signal);
      const entries = await entriesOf(place, { content, manifest }, { threads, signal: lease.signal });
      const tar = tarOf(entries, new Date(manifest.finishedAt));
      const name = `${place.source.name}-${place.id}.tar`;
      await sendPieces(call, { name, type: 'application/x-tar', headers: { 'content-length': tar.bytes } }, tar.pieces);
    },
    downloadArtifact: async (call) => {
      const place = await find(call, call.params, call.query.storage);
      await using lease = await hold(place, call);
      const { manifest } = await readSealed(place.storage, place.source.name, place.id, lease.signal);
      const artifact = manifest.artifacts.find(({ path }) => path === call.query.path);
      if (!artifact) throw artifactUnknown(call.query.path);
      call.note({ target: `${place.id}/${artifact.path}` });
      const tag = `"${artifact.sha256}"`;
      const { range: wanted, 'if-range': unless = tag } = call.request.headers;
      const range = unless === tag ? readRange(wanted, artifact.bytes) : null;
      const name = `${place.id}-${artifact.path.replaceAll('/', '_')}`;
      const type = 'application/octet-stream';
      const facts = { 'accept-ranges': 'bytes', etag: tag };
      if (range === null) {
        const pieces = checkedPieces(
          { ...place, source: place.source.name, artifact },
          { threads, signal: lease.signal },
        );
        await sendPieces(call, { name, type, headers: { ...facts, 'content-length': artifact.bytes } }, pieces);
      } else {
        const { start, end } = range;
        const at = { source: place.source.name, id: place.id };
        const content = await openStored(place.storage, at, artifact, { start, end, signal: lease.signal });
        call.reply.code(206);
        const headers = {
          ...facts,
          'content-length': end - start + 1,
          'content-range': `bytes ${start}-${end}/${artifact.bytes}`,
        };
        begin(call, { name, type, headers }, content);
        await finished(call);
      }
    },
  };
}

/** What does not fit its digest breaks the download off: one that ends well is whole. */
async function entriesOf(
  place: Place,
  { content, manifest }: { content: Buffer; manifest: Manifest },
  { threads, signal }: { threads: Threads; signal: AbortSignal },
): Promise<TarEntry[]> {
  const above = `${place.source.name}/`;
  const folder = `${above}${place.id}/`;
  const ready = (path: string, bytes: Buffer): TarEntry => ({
    path,
    bytes: bytes.length,
    open: async function* open() {
      yield bytes;
    },
  });
  return [
    ...manifest.artifacts.map((artifact) => ({
      path: folder + artifact.path,
      bytes: artifact.bytes,
      open: () => checkedPieces({ ...place, source: place.source.name, artifact }, { threads, signal }),
    })),
    ...(await keysOf(place, manifest, signal)).map((key) => ready(above + key.name, key.content)),
    // Last, as in a storage.
    ready(`${folder}manifest.json`, content),
  ];
}

/** Without its key an encrypted backup opens nowhere else. */
async function keysOf({ source, storage }: Place, { encryption }: Manifest, signal: AbortSignal): Promise<KeyFile[]> {
  const file = (encryption as { key?: unknown } | null)?.key;
  return typeof file === 'string' ? readKeySet(storage, source.name, file, signal) : [];
}

/** One range, as browsers and download programs ask to go on with; null: everything. Rejects what lies outside with 416. */
export function readRange(header: string | undefined, bytes: number): { start: number; end: number } | null {
  const found = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? '');
  if (!found || (found[1] === '' && found[2] === '')) return null;
  const last = bytes - 1;
  const [start, end] =
    found[1] === ''
      ? [Math.max(0, bytes - Number(found[2])), last]
      : [Number(found[1]), found[2] === '' ? last : Math.min(Number(found[2]), last)];
  if (start <= end) return { start, end };
  throw new HoldfastError('RANGE_INVALID', `there is nothing at ${header} of ${bytes} bytes`, {
    kind: 'usage',
    hint: 'What was fetched before may be of another file: begin anew.',
  });
}

function artifactUnknown(path: string): HoldfastError {
  return new HoldfastError('ARTIFACT_UNKNOWN', `the backup has no artifact ${path}`, {
    kind: 'usage',
    hint: '`manifest.artifacts` of the backup names them.',
  });
}
