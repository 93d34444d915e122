import { createCipheriv, randomBytes, scryptSync } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { crc32, deflateRawSync } from 'node:zlib';

export interface ZipFileWanted {
  path: string;
  content: Buffer;
  /** Unix mode; default a regular file. */
  mode?: number;
  /** What the directory says instead of the truth. */
  statedBytes?: number;
  /** Where the directory says it lies instead: that of the member with this number. */
  sameAs?: number;
}

export interface NbdataWanted {
  data: Buffer;
  password: string | null;
  metadata?: Record<string, unknown>;
  uploads?: Record<string, string>;
  more?: ZipFileWanted[];
}

export const metadata = {
  metadataVersion: 2,
  enableFilesBackup: true,
  version: '2.2.15',
  createdBy: { id: 1, username: 'nocobase' },
  database: { dialect: 'postgres', toolchain: 'postgres', version: 'PostgreSQL 15.18', backupClientVersion: '15.18' },
  plugins: [{ name: 'acl', version: '2.2.15', packageName: '@nocobase/plugin-acl' }],
};

/** A file of NocoBase's backup manager: a ZIP at level 9, as a whole encrypted when there is a password. */
export function makeNbdata(wanted: NbdataWanted): Buffer {
  const uploads = wanted.uploads ?? { 'uploads/a b.txt': 'a file', 'uploads/ü/photo.png': 'a picture' };
  const zip = makeZip([
    { path: 'data', content: wanted.data },
    { path: '_metadata.json', content: Buffer.from(JSON.stringify(wanted.metadata ?? metadata)) },
    ...Object.entries(uploads).map(([path, text]) => ({ path, content: Buffer.from(text) })),
    { path: 'aes_key.dat', content: Buffer.alloc(32, 7) },
    ...(wanted.more ?? []),
  ]);
  return wanted.password === null ? zip : encrypt(zip, wanted.password);
}

export async function writeNbdata(path: string, wanted: NbdataWanted): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, makeNbdata(wanted));
}

export function encrypt(zip: Buffer, password: string): Buffer {
  const start = randomBytes(16);
  const cipher = createCipheriv('aes-256-cbc', scryptSync(password, 'backup salt', 32), start);
  return Buffer.concat([start, cipher.update(zip), cipher.final()]);
}

export function makeZip(files: readonly ZipFileWanted[]): Buffer {
  const pieces: Buffer[] = [];
  const offsets: number[] = [];
  const directory: Buffer[] = [];
  let at = 0;
  for (const { path, content, mode = 0o100644, statedBytes, sameAs } of files) {
    const name = Buffer.from(path);
    const packed = deflateRawSync(content, { level: 9 });
    const shared = Buffer.alloc(26);
    shared.writeUInt16LE(20, 0);
    shared.writeUInt16LE(0x800, 2);
    shared.writeUInt16LE(8, 4);
    shared.writeUInt32LE(crc32(content), 10);
    shared.writeUInt32LE(packed.length, 14);
    shared.writeUInt32LE(statedBytes ?? content.length, 18);
    shared.writeUInt16LE(name.length, 22);
    offsets.push(at);
    const local = Buffer.concat([Buffer.from('PK\u0003\u0004'), shared, name, packed]);
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE((mode << 16) >>> 0, 6);
    rest.writeUInt32LE(sameAs === undefined ? at : (offsets[sameAs] ?? 0), 10);
    directory.push(Buffer.concat([Buffer.from('PK\u0001\u0002'), Buffer.from([20, 3]), shared, rest, name]));
    pieces.push(local);
    at += local.length;
  }
  const central = Buffer.concat(directory);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(files.length, 4);
  end.writeUInt16LE(files.length, 6);
  end.writeUInt32LE(central.length, 8);
  end.writeUInt32LE(at, 12);
  return Buffer.concat([...pieces, central, Buffer.from('PK\u0005\u0006'), end]);
}
