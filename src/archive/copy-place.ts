import type { Readable } from 'node:stream';
import type { Report } from '../base/progress.ts';
import { HoldfastError } from '../base/errors.ts';
import { digestOf, digestProblem, expectDigest } from '../pipeline/digest.ts';
import { through } from '../pipeline/pipeline.ts';
import type { PutOptions, Stage, Storage } from '../storage/storage.ts';
import { objectKey } from './format/layout.ts';
import type { Artifact } from './format/manifest.ts';

export interface StageCopy {
  stage: Stage;
  to: Storage;
  source: string;
  /** What nobody may rely on there, asked when the stage was visible; null: no shared object may lie there as such. */
  unsharable: ReadonlySet<string> | null;
  /** Whether an object that lies there, as long as it should be, is what it should be: it was compared when it came. */
  trust(object: string): boolean;
  open(artifact: Artifact): Promise<Readable>;
  signal: AbortSignal;
  report: Report;
}

interface ArtifactPlace {
  shared: boolean;
  put(content: Readable, options: PutOptions): Promise<unknown>;
  get(): Promise<Readable>;
}

/** A shared object that the receiver has already is not sent again. */
export async function placeOf(artifact: Artifact, copy: StageCopy): Promise<ArtifactPlace | 'there'> {
  const { stage, to, source, unsharable, signal } = copy;
  const { path, object, bytes } = artifact;
  const own: ArtifactPlace = {
    shared: false,
    put: (content, options) => stage.put(path, content, options),
    get: () => stage.get(path, { signal }),
  };
  if (object === null) return own;
  const key = objectKey(source, object);
  const trust = copy.trust(object);
  const put: ArtifactPlace['put'] = (content, options) => to.put(key, content, options);
  const found = await to.stat(key, signal);
  const whole = found?.bytes === bytes && (trust || (await isWhole(to, key, artifact, signal)));
  // Somebody else's backups may be whole with what is there: only who was asked to replace what is damaged, or knows of it, puts it right.
  if (found !== null && !whole && trust) throw notTheSame(to, object);
  // Its lock began when it came and would end before that of this backup.
  if (unsharable === null || unsharable.has(object) || found?.lockedUntil !== undefined) {
    // Whoever reads looks there first: what is damaged there must not stand before what is whole.
    if (found !== null && !whole) {
      const content = through(await copy.open(artifact), [expectDigest(artifact, path)], signal);
      await put(content, { signal, size: bytes });
    }
    return own;
  }
  return whole ? 'there' : { shared: true, put, get: () => to.get(key, { signal }) };
}

function notTheSame(to: Storage, object: string): HoldfastError {
  return new HoldfastError('SHARED_OBJECT_DAMAGED', `${object} in ${to.name} is not as long as it should be`, {
    kind: 'integrity',
    hint: `See with \`holdfast verify\` which backups there hold it, and mend one of them with \`holdfast copy ID --to ${to.name} --replace\`.`,
  });
}

async function isWhole(to: Storage, key: string, artifact: Artifact, signal: AbortSignal): Promise<boolean> {
  const actual = await digestOf(await to.get(key, { signal }), () => undefined);
  return digestProblem(artifact, actual, key) === null;
}
