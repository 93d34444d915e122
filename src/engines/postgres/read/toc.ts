import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { HoldfastError } from '../../../base/errors.ts';
import type { DumpEntry, DumpFormat } from '../../engine.ts';
import { decoderFor } from '../connect/encodings.ts';
import { readIdent } from '../connect/names.ts';

/**
 * The table of contents of an archive made by pg_dump, read from its bytes. `pg_restore -l` prints the same, but with newlines in
 * names turned into spaces and nothing between schema, name and owner: `a b c` could be any of four tables.
 */
export interface TocEntry extends DumpEntry {
  /** Null: the database's own. */
  tablespace: string | null;
  /** Ids of the entries this one needs. */
  needs: number[];
  hasData: boolean;
  definition: string;
  copyStatement: string | null;
  /** In a directory dump: where its data is, without the extension of a compression. */
  file: string | null;
}

export interface Toc {
  serverVersion: string;
  toolVersion: string;
  database: string;
  /** The oldest major version whose pg_restore understands this archive. */
  readableFrom: number;
  entries: TocEntry[];
}

/** Null when the bytes end before the table of contents does. */
export function parseToc(bytes: Buffer, format: DumpFormat): Toc | null {
  try {
    return parse(new Cursor(bytes), format);
  } catch (error) {
    if (error instanceof EndOfBytes) return null;
    throw error;
  }
}

/** Reads only the beginning of a stream (custom or tar), then lets go of it. */
export async function readTocOfStream(stream: Readable, format: DumpFormat): Promise<Toc> {
  const chunks: Buffer[] = [];
  let size = 0;
  let tryAt = 64 * 1024;
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      size += chunk.length;
      if (size < tryAt) continue;
      const toc = parseToc(contentOf(Buffer.concat(chunks), format), format);
      if (toc) return toc;
      if (size > largestToc) break;
      tryAt = size * 2;
    }
  } finally {
    stream.destroy();
  }
  return orDamaged(parseToc(contentOf(Buffer.concat(chunks), format), format));
}

export const tocFile = 'toc.dat';

export async function readTocOfFolder(folder: string): Promise<Toc> {
  const file = await open(join(folder, tocFile)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') throw damaged('toc.dat is missing', error);
    throw error;
  });
  try {
    return orDamaged(parseToc(await file.readFile(), 'directory'));
  } finally {
    await file.close();
  }
}

const largestToc = 512 * 1024 * 1024;
const tarBlock = 512;
/** What the tool itself does not count among the contents unless it is to create the database. */
const housekeeping = new Set(['ENCODING', 'STDSTRINGS', 'SEARCHPATH', 'DATABASE', 'DATABASE PROPERTIES']);

function orDamaged(toc: Toc | null): Toc {
  if (!toc) throw damaged('it ends inside its table of contents');
  return toc;
}

/** Whose comment, privileges or label this is, where that is nothing of a schema's: `SCHEMA "My shop"`, written as in SQL. */
export function subjectOf({ kind, schema, name }: TocEntry, type: 'SCHEMA' | 'EXTENSION'): string | null {
  const isAbout = kind === 'ACL' || kind === 'COMMENT' || kind === 'SECURITY LABEL';
  return isAbout && schema === null && name.startsWith(`${type} `) ? readIdent(name.slice(type.length + 1)) : null;
}

/** A dump of chosen schemas (`pg_dump -n public`) creates this one too, which every new database has. */
export function createsPublic({ kind, name, definition }: TocEntry): boolean {
  return kind === 'SCHEMA' && name === 'public' && definition.startsWith('CREATE SCHEMA');
}

/** In a tar dump the table of contents is the first member. */
function contentOf(bytes: Buffer, format: DumpFormat): Buffer {
  return format === 'tar' ? bytes.subarray(tarBlock) : bytes;
}

function parse(cursor: Cursor, format: DumpFormat): Toc {
  const version = readHead(cursor);
  if (version >= 15) cursor.byte();
  else cursor.int();
  for (let part = 0; part < 7; part += 1) cursor.int(); // the time of the dump
  const database = cursor.text() ?? '';
  const serverVersion = cursor.text() ?? '';
  const toolVersion = cursor.text() ?? '';
  const count = cursor.int();
  const entries: TocEntry[] = [];
  for (let index = 0; index < count; index += 1) {
    const entry = readEntry(cursor, version, format);
    // The first of all: whatever follows is text in this encoding.
    const encoding = entry.kind === 'ENCODING' && /client_encoding = '([^']+)'/.exec(entry.definition)?.[1];
    if (encoding) cursor.decode = decoderFor(encoding);
    entries.push(entry);
  }
  const readableFrom = version >= 16 ? 17 : version >= 15 ? 16 : 12;
  return {
    serverVersion,
    toolVersion,
    database,
    readableFrom,
    entries: entries.filter((entry) => !isHousekeeping(entry)),
  };
}

/** Versions: 1.12 since PostgreSQL 9.0, 1.14 since 12, 1.15 since 16, 1.16 since 17. */
function readHead(cursor: Cursor): number {
  if (cursor.bytes(5).toString('latin1') !== 'PGDMP') throw damaged('it does not begin like one');
  const [major, minor] = [cursor.byte(), cursor.byte()];
  cursor.byte();
  cursor.intSize = cursor.byte();
  cursor.offsetSize = cursor.byte();
  cursor.byte();
  if (major !== 1 || minor < 10 || minor > 16) {
    throw new HoldfastError('DUMP_VERSION', `dumps of archive version ${major}.${minor} are not understood`, {
      hint: minor > 16 ? 'It was made by a newer pg_dump; update holdfast.' : 'Restore it once with its own tools.',
    });
  }
  return minor;
}

function readEntry(cursor: Cursor, version: number, format: DumpFormat): TocEntry {
  const id = cursor.int();
  const hasData = cursor.int() !== 0;
  cursor.text(); // catalog
  cursor.text(); // oid
  const name = cursor.text() ?? '';
  const kind = cursor.text() ?? '';
  if (version >= 11) cursor.int(); // section
  const definition = cursor.text() ?? '';
  cursor.text(); // drop statement
  const copyStatement = cursor.text() || null;
  const schema = cursor.text() || null;
  const tablespace = cursor.text() || null;
  if (version >= 14) cursor.text(); // access method
  if (version >= 16) cursor.int(); // kind of relation
  const owner = cursor.text() || null;
  cursor.text(); // with oids
  const needs: number[] = [];
  for (let need = cursor.text(); need !== null; need = cursor.text()) needs.push(Number(need));
  let file: string | null = null;
  if (format === 'custom') cursor.bytes(1 + cursor.offsetSize);
  else file = cursor.text() || null;
  return { id, kind, schema, name, owner, tablespace, needs, hasData, definition, copyStatement, file };
}

function isHousekeeping({ kind, schema, name }: TocEntry): boolean {
  if (housekeeping.has(kind)) return true;
  const ofDatabase = kind === 'ACL' || kind === 'COMMENT' || kind === 'SECURITY LABEL';
  return ofDatabase && schema === null && name.startsWith('DATABASE ');
}

function damaged(reason: string, cause?: unknown): HoldfastError {
  return new HoldfastError('DUMP_DAMAGED', `the dump cannot be read: ${reason}`, {
    kind: 'integrity',
    cause,
    hint: 'Use another backup; `holdfast verify` tells which ones are whole.',
  });
}

class EndOfBytes extends Error {}

class Cursor {
  intSize = 4;
  offsetSize = 8;
  decode = decoderFor('UTF8');
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  bytes(length: number): Buffer {
    if (length < 0 || length > largestToc) throw damaged('its table of contents makes no sense');
    if (this.#at + length > this.#bytes.length) throw new EndOfBytes();
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  byte(): number {
    return this.bytes(1)[0] ?? 0;
  }

  /** A sign, then the lowest byte first. */
  int(): number {
    const negative = this.byte() !== 0;
    let value = 0;
    for (const [index, byte] of this.bytes(this.intSize).entries()) value += byte * 2 ** (8 * index);
    return negative ? -value : value;
  }

  text(): string | null {
    const length = this.int();
    return length === -1 ? null : this.decode(this.bytes(length));
  }
}
