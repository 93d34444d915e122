import { rm, statfs, utimes } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Transform, type Readable } from 'node:stream';
import { allows } from '../../access/roles.ts';
import { filePlace } from '../../archive/foreign/place.ts';
import { findImports } from '../../backup/find-imports.ts';
import { importAll, type ImportTask } from '../../backup/import-all.ts';
import { HoldfastError, toHoldfastError } from '../../base/errors.ts';
import { makeScratch, makeScratchFolder } from '../../base/scratch.ts';
import { Secret } from '../../base/secret.ts';
import { formatBytes } from '../../base/units.ts';
import type { Source } from '../../care/source.ts';
import type { Digest } from '../../pipeline/digest.ts';
import { through } from '../../pipeline/pipeline.ts';
import { writeBehind } from '../../pipeline/write-behind.ts';
import type { RequestOf, Routes } from '../contract.ts';
import { notAllowed, type Call, type Handlers } from '../register.ts';
import { askerOf, begun, grantOf, sourceFor, type ApiParts } from './parts.ts';

type Query = RequestOf<Routes['importFile']>['query'];

/** Percent-encoded, since headers are ASCII; never in the address, which ends up in logs. */
const passwordHeader = 'x-holdfast-password';

export function importHandlers(parts: ApiParts): Pick<Handlers, 'importFile'> {
  const { work } = parts;
  return {
    importFile: async (call) => {
      const { query } = call;
      const source = await sourceFor(parts, call, query.source, 'import');
      call.note({ target: query.name });
      // A script runs with the rights of the one it is loaded by.
      if (query.allow !== undefined && !allows(grantOf(call), 'settings', null)) throw notAllowed('settings');
      const password = passwordOf(call);
      const came = await work.during((signal) => receive(parts, call, AbortSignal.any([signal, call.signal])));
      const { file } = came;
      const remove = () => rm(dirname(file), { recursive: true, force: true });
      try {
        const started = await work.begin(async (run) => {
          try {
            return await takeIn(parts, { ...run, source, query, password, ...came });
          } catch (error) {
            throw asTheyCallIt(error, file, query.name);
          } finally {
            await remove();
          }
        }, askerOf(call).asker);
        return await begun(parts, call, started, query.wait);
      } catch (error) {
        await remove();
        throw error;
      }
    },
  };
}

/** Into a file of its own, piece by piece. Whatever goes wrong, nothing stays behind. */
async function receive(
  { house, maxUpload, threads }: ApiParts,
  call: Call & { query: Query },
  signal: AbortSignal,
): Promise<{ file: string; digest: Digest }> {
  const { name, modifiedAt } = call.query;
  const announced = Number(call.request.headers['content-length'] ?? 0);
  if (announced > maxUpload) throw tooLarge(maxUpload);
  makeScratch(house.scratch);
  const { bavail, bsize } = await statfs(house.scratch);
  if (announced > bavail * bsize) throw noSpace(announced, bavail * bsize);
  const folder = await makeScratchFolder(house.scratch, 'upload-');
  const file = join(folder, plainName(name));
  try {
    const content = through(call.request.body as Readable, [upTo(maxUpload)], signal);
    const small = announced > 0 && announced < threadFromBytes;
    const seen = await writeBehind(content, file, { threads: small ? { left: 0 } : threads, signal });
    if (modifiedAt !== undefined) await utimes(file, new Date(), new Date(modifiedAt));
    return { file, digest: seen };
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

/** Below, starting a thread takes longer than the rest. */
const threadFromBytes = 8 * 1024 * 1024;

function upTo(most: number): Transform {
  let bytes = 0;
  return new Transform({
    transform: (chunk: Buffer, _encoding, done) => {
      bytes += chunk.length;
      if (bytes > most) done(tooLarge(most));
      else done(null, chunk);
    },
  });
}

interface Arrived extends Pick<ImportTask, 'signal' | 'report'> {
  source: Source;
  query: Query;
  password: Secret | null;
  file: string;
  digest: Digest;
}

async function takeIn({ house }: ApiParts, arrived: Arrived): Promise<{ run: string } | undefined> {
  const { file, digest: came, query, signal, password } = arrived;
  const named = `${basename(dirname(file))}/${basename(file)}`;
  const search = { place: filePlace(file, came), named, system: null, timezone: house.timezone, signal };
  const { candidates } = await findImports([search]);
  const [item] = await importAll({
    ...house,
    ...arrived,
    candidates,
    dryRun: false,
    password: async () => password,
    allowScript: query.allow === 'script',
    allowUnpatched: query.allow === 'unpatched',
    allowSuperuser: query.allow === 'superuser',
    description: query.description ?? null,
    settled: () => undefined,
  });
  if (item?.error) throw item.error;
  if (item?.backup) return item.backup;
  throw new HoldfastError('IMPORT_KNOWN', `${query.name} was taken in before${item?.id ? `, as ${item.id}` : ''}`, {
    kind: 'usage',
    hint: 'Use that backup; it has the same content.',
  });
}

/** Where it lay here for a moment is nobody's business. */
function asTheyCallIt(error: unknown, file: string, name: string): HoldfastError {
  const known = toHoldfastError(error);
  if (!known.message.includes(file)) return known;
  const { code, kind, hint, details, retryable } = known;
  const facts = { kind, details, retryable, cause: error, ...(hint === undefined ? {} : { hint }) };
  return new HoldfastError(
    code,
    known.message.replaceAll(file, () => name),
    facts,
  );
}

function passwordOf({ request }: Call): Secret | null {
  const given = request.headers[passwordHeader];
  if (typeof given !== 'string' || given === '') return null;
  try {
    return new Secret(decodeURIComponent(given));
  } catch {
    throw new HoldfastError('REQUEST_INVALID', `${passwordHeader} is not percent-encoded`, {
      kind: 'usage',
      hint: 'Encode it as `encodeURIComponent` does.',
    });
  }
}

/** Only its last part, and only what no system takes for anything else. */
function plainName(name: string): string {
  const last = name.split(/[/\\]/).at(-1) ?? '';
  const plain = last.replaceAll(/[^\w.()@+-]/g, '_').replace(/^[.-]+/, '');
  return plain === '' ? 'upload' : plain;
}

function tooLarge(most: number): HoldfastError {
  return new HoldfastError('BODY_TOO_LARGE', `the file is larger than ${formatBytes(most)}`, {
    kind: 'usage',
    hint: 'Raise `server.maxUpload`, or use `holdfast import` on the server itself.',
  });
}

function noSpace(wanted: number, free: number): HoldfastError {
  return new HoldfastError(
    'UPLOAD_NO_SPACE',
    `the file has ${formatBytes(wanted)}, and only ${formatBytes(free)} are free`,
    {
      hint: 'Make room in the folder for temporary files, or point TMPDIR to a larger one.',
    },
  );
}
