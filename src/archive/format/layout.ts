import { randomBytes } from 'node:crypto';
import { HoldfastError } from '../../base/errors.ts';
import { backupId, isSourceName, parseBackupId } from '../../base/ids.ts';
import { codecFacts, parseCompression, type Compression } from '../../pipeline/codecs.ts';
import { keyProblem } from '../../storage/keys.ts';

/** Where everything of a source lies. See docs/backup-format.md. */
export function sourcePrefix(source: string): string {
  if (!isSourceName(source)) throw notOurs('source', source);
  return `${source}/`;
}

export function backupPrefix(source: string, id: string): string {
  if (parseBackupId(id) === null) throw notOurs('backup', id);
  return `${sourcePrefix(source)}${id}/`;
}

export function manifestKey(source: string, id: string): string {
  return `${backupPrefix(source, id)}${manifestName}`;
}

export function artifactKey(source: string, id: string, path: string): string {
  checkArtifactPath(path);
  return `${backupPrefix(source, id)}${path}`;
}

/** Where what several backups of a source hold lies once. */
export function objectsPrefix(source: string): string {
  return `${sourcePrefix(source)}${objectsFolder}`;
}

/** `object`: as a manifest names it, relative to its source. */
export function objectKey(source: string, object: string): string {
  checkObjectPath(object);
  return `${sourcePrefix(source)}${object}`;
}

/** A name that nothing had before and that tells nothing of what is in it; its extensions say what was done to it. */
export function newObject(extensions: string): string {
  const name = randomBytes(16).toString('hex');
  return `${objectsFolder}${name.slice(0, 2)}/${name}${extensions}`;
}

/** What is written down as going to be removed of the objects. */
export function collectingPrefix(source: string): string {
  return `${sourcePrefix(source)}collecting/`;
}

/** Lies there for a moment, to ask what time it is in the storage. */
export function clockProbeKey(source: string): string {
  return `${sourcePrefix(source)}clock-probe`;
}

export function holdKey(source: string, id: string): string {
  return `${backupPrefix(source, id)}${holdName}`;
}

export function removingKey(source: string, id: string): string {
  return `${backupPrefix(source, id)}${removingName}`;
}

export function drillsPrefix(source: string, id: string): string {
  return `${backupPrefix(source, id)}drills/`;
}

export function drillKey(source: string, id: string, at: Date): string {
  return `${drillsPrefix(source, id)}${backupId(at)}.json`;
}

export const manifestName = 'manifest.json';
const objectsFolder = 'objects/';
/** Beside the backups of a source. */
export const sourceFolders: readonly string[] = ['objects', 'collecting', 'keys'];
const objectPath = /^objects\/([0-9a-f]{2})\/\1[0-9a-f]{30}(\.[a-z0-9]{1,8}){1,6}$/;
const holdName = 'hold.json';
/** Lies there while a backup is written, where a storage cannot rename; it may outlive a writer that died at the very end. */
export const markName = 'writing.json';
/** Lies there while a backup is removed: without it, what has no manifest may be on its way in. */
const removingName = 'removing.json';

/** `.zst`, `.gz`, ...: what the archive did, told by the name. */
export function extensionFor({ codec }: Compression): string {
  return codecFacts[codec].extension;
}

/** Outermost, therefore last. */
export const encryptedExtension = '.age';

/** What a part was called before the archive added what it did to it. */
export function partName({ path, compression, compressedBy, encryption }: NamedPart): string {
  const open =
    encryption !== null && path.endsWith(encryptedExtension) ? path.slice(0, -encryptedExtension.length) : path;
  const known = compressedBy === 'archive' && compression !== null ? parseCompression(compression) : null;
  const extension = known ? extensionFor(known) : '';
  return extension !== '' && open.endsWith(extension) ? open.slice(0, -extension.length) : open;
}

interface NamedPart {
  path: string;
  compression: string | null;
  compressedBy: 'tool' | 'archive' | null;
  encryption: string | null;
}

/** Refuses paths of a manifest that lead anywhere but below its backup, or to what is not an artifact. */
export function checkArtifactPath(path: string): void {
  const problem = keyProblem(path) ?? (isReserved(path) ? 'the name is taken by the archive itself' : null);
  if (problem !== null) throw hostilePath(path, problem);
}

/** A shared object lies among the objects of its source and nowhere else. */
export function checkObjectPath(path: string): void {
  if (!isObjectPath(path)) throw hostilePath(path, 'it is not the name of a shared object');
}

export function isObjectPath(path: string): boolean {
  return objectPath.test(path);
}

function hostilePath(path: string, problem: string): HoldfastError {
  return new HoldfastError(
    'MANIFEST_HOSTILE',
    `the manifest names a path outside its backup: ${JSON.stringify(path.slice(0, 200))} (${problem})`,
    {
      kind: 'integrity',
      hint: 'This manifest was not written by Holdfast. Do not restore from it.',
    },
  );
}

function isReserved(path: string): boolean {
  return [manifestName, holdName, markName, removingName].includes(path) || path.startsWith('drills/');
}

/** Whether a path below a backup's folder has a name of ours; anything else there belongs to somebody else. */
export function isBackupFile(path: string): boolean {
  return isReserved(path) || isArtifactFile(path);
}

/** Only what a manifest would name. */
export function isArtifactFile(path: string): boolean {
  return /^(database|globals)\./.test(path) || /^(files|bases|app)\//.test(path);
}

function notOurs(what: string, name: string): HoldfastError {
  return new HoldfastError('NAME_INVALID', `${JSON.stringify(name.slice(0, 200))} is not the name of a ${what}`, {
    kind: 'usage',
  });
}
