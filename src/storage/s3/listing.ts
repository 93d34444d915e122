import type { ListObjectsV2CommandInput, _Object } from '@aws-sdk/client-s3';
import { inParallel } from '../../base/parallel.ts';
import { keyProblem } from '../keys.ts';
import type { StoredObject } from '../storage.ts';
import type { Connection } from './connection.ts';
import { statusOf } from './errors.ts';
import { goesOn } from './goes-on.ts';
import { asListing } from './own-answers.ts';
import { commonFolder } from './versions.ts';

const abortedAtOnce = 8;

/** Prefixes and keys here are those of the bucket, with the storage's own prefix. */
export async function* listPages(
  connection: Connection,
  input: Omit<ListObjectsV2CommandInput, 'Bucket'>,
  signal: AbortSignal,
): AsyncGenerator<{ objects: _Object[]; prefixes: string[] }> {
  const { bucket } = connection.options;
  let position: { ContinuationToken?: string | undefined } = {};
  for (;;) {
    const page = await connection
      .do(signal, async (s3) => {
        const wanted = { Bucket: bucket, ...input, ...position };
        return asListing(await s3.listObjectsV2(wanted, { abortSignal: signal }));
      })
      .catch((error: unknown) => {
        if (connection.isEmptyYet(error)) return null;
        throw error;
      });
    if (page === null) return;
    connection.seen();
    yield {
      objects: page.Contents ?? [],
      prefixes: (page.CommonPrefixes ?? []).flatMap(({ Prefix }) => (Prefix === undefined ? [] : [Prefix])),
    };
    const { NextContinuationToken: next } = page;
    if (!goesOn(page.IsTruncated, [next], [position.ContinuationToken], bucket)) return;
    position = { ContinuationToken: next };
  }
}

/** Null for folder markers of other programs, and for names that would be another key elsewhere. */
export function describeObject(
  { prefix }: Connection,
  { Key = '', Size = 0, LastModified = new Date(0) }: _Object,
): StoredObject | null {
  const key = Key.slice(prefix.length);
  if (keyProblem(key) !== null) return null;
  // `stat` knows whole seconds only.
  return { key, bytes: Size, modifiedAt: new Date(Math.floor(LastModified.getTime() / 1000) * 1000) };
}

/** Fills in what one listing tells; returns the keys it did not come to, because too much else lies in between. */
export async function statByListing(
  connection: Connection,
  keys: readonly string[],
  found: Map<string, StoredObject | null>,
  signal: AbortSignal,
): Promise<string[]> {
  const wanted = new Set(keys);
  const last = keys.reduce((most, key) => (key > most ? key : most), '');
  let pagesLeft = Math.max(10, Math.ceil(keys.length / 10));
  let reached = '';
  const pages = listPages(connection, { Prefix: connection.prefix + commonFolder(keys) }, signal);
  for await (const { objects } of pages) {
    for (const object of objects) {
      const described = describeObject(connection, object);
      if (described && wanted.has(described.key)) found.set(described.key, described);
    }
    reached = objects.at(-1)?.Key?.slice(connection.prefix.length) ?? reached;
    pagesLeft -= 1;
    if (pagesLeft === 0 && reached < last) return keys.filter((key) => !found.has(key));
  }
  return [];
}

export interface BegunUpload {
  Key: string;
  UploadId: string;
  Initiated: Date;
}

export async function listUploads(connection: Connection, prefix: string, signal: AbortSignal): Promise<BegunUpload[]> {
  const { bucket } = connection.options;
  const found: BegunUpload[] = [];
  let position: { KeyMarker?: string | undefined; UploadIdMarker?: string } = {};
  for (;;) {
    const wanted = { Bucket: bucket, Prefix: connection.prefix + prefix, ...position };
    const page = await connection
      .do(signal, async (s3) => asListing(await s3.listMultipartUploads(wanted, { abortSignal: signal })))
      .catch((error: unknown) => {
        if (connection.isEmptyYet(error)) return null;
        throw error;
      });
    if (page === null) return found;
    for (const { Key, UploadId, Initiated = new Date(0) } of page.Uploads ?? []) {
      if (Key !== undefined && UploadId !== undefined) found.push({ Key, UploadId, Initiated });
    }
    const { NextKeyMarker: key, NextUploadIdMarker: upload } = page;
    if (!goesOn(page.IsTruncated, [key, upload], [position.KeyMarker, position.UploadIdMarker], bucket)) return found;
    position = { KeyMarker: key, ...(upload === undefined ? {} : { UploadIdMarker: upload }) };
  }
}

export async function abortUploads(
  connection: Connection,
  uploads: readonly BegunUpload[],
  signal: AbortSignal,
): Promise<void> {
  await connection.do(signal, (s3) =>
    inParallel(uploads, abortedAtOnce, async ({ Key, UploadId }) => {
      const begun = { Bucket: connection.options.bucket, Key, UploadId };
      await s3.abortMultipartUpload(begun, { abortSignal: signal }).catch((error: unknown) => {
        if (statusOf(error) !== 404) throw error;
      });
    }),
  );
}
