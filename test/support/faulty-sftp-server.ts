import { once } from 'node:events';
import { closeSync, fsyncSync, lstatSync, mkdirSync, openSync, readdirSync, readSync, renameSync } from 'node:fs';
import { rmdirSync, statSync, unlinkSync, writeSync, type Stats } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join, posix } from 'node:path';
import { createHash } from 'node:crypto';
import ssh2, { type SFTPWrapper } from 'ssh2';
import type { SftpOptions } from '../../src/storage/sftp/options.ts';

const { STATUS_CODE, OPEN_MODE } = ssh2.utils.sftp;

type Question = 'lstat' | 'readdir' | 'close' | 'rename';

export interface FaultySftpServer extends AsyncDisposable {
  options: SftpOptions;
}

/**
 * An SFTP server over a folder that answers `failure` where it is told to, as OpenSSH's does for an error of the disk (EIO) or
 * of the network behind it (ESTALE, ETIMEDOUT), which cannot be had on demand.
 */
export async function startFaultySftpServer(
  root: string,
  fails: (question: Question, path: string) => boolean,
  { isSilent = () => false }: { isSilent?: () => boolean } = {},
): Promise<FaultySftpServer> {
  // Not ed25519: of those that ssh2 makes, one in 256 cannot be read by ssh2 itself.
  const hostKey = ssh2.utils.generateKeyPairSync('ecdsa', { bits: 256 });
  const server = new ssh2.Server({ hostKeys: [hostKey.private] }, (client) => {
    client.on('error', () => undefined);
    client.on('authentication', (context) => context.accept());
    client.on('session', (accept) =>
      accept().on('sftp', (begin) => {
        if (!isSilent()) serve(begin(), root, fails);
      }),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const key = ssh2.utils.parseKey(hostKey.public);
  if (key instanceof Error) throw key;
  const digest = createHash('sha256').update(key.getPublicSSH()).digest('base64');
  return {
    options: {
      type: 'sftp',
      host: '127.0.0.1',
      port: (server.address() as AddressInfo).port,
      user: 'lab',
      password: 'labpass',
      hostKey: `SHA256:${digest.replaceAll('=', '')}`,
      path: '/',
    },
    [Symbol.asyncDispose]: async () => {
      server.close();
    },
  };
}

type Opened = { fd: number; path: string } | { folder: string; told: boolean };

function serve(sftp: SFTPWrapper, root: string, fails: (question: Question, path: string) => boolean): void {
  const opened: Opened[] = [];
  const at = (path: string) => join(root, posix.normalize(`/${path}`));
  const handleOf = (each: Opened) => {
    const handle = Buffer.alloc(4);
    handle.writeUInt32BE(opened.push(each) - 1);
    return handle;
  };
  const behind = (handle: Buffer) => opened[handle.readUInt32BE(0)];
  const file = (handle: Buffer) => {
    const found = behind(handle);
    return found && 'fd' in found ? found.fd : -1;
  };
  const answer = (id: number, work: () => void) => {
    try {
      work();
    } catch (error) {
      sftp.status(id, statusOf(error));
    }
  };
  const done = (id: number, work: () => void) =>
    answer(id, () => {
      work();
      sftp.status(id, STATUS_CODE.OK);
    });
  const unless = (question: Question, path: string) => {
    if (fails(question, path)) throw new Error('EIO');
  };
  sftp.on('LSTAT', (id, path) =>
    answer(id, () => {
      unless('lstat', path);
      sftp.attrs(id, attributes(lstatSync(at(path))));
    }),
  );
  sftp.on('STAT', (id, path) => answer(id, () => sftp.attrs(id, attributes(statSync(at(path))))));
  sftp.on('OPENDIR', (id, path) =>
    answer(id, () => {
      unless('readdir', path);
      readdirSync(at(path));
      sftp.handle(id, handleOf({ folder: at(path), told: false }));
    }),
  );
  sftp.on('READDIR', (id, handle) =>
    answer(id, () => {
      const found = behind(handle);
      if (!found || 'fd' in found || found.told) return sftp.status(id, STATUS_CODE.EOF);
      found.told = true;
      const names = readdirSync(found.folder);
      return sftp.name(
        id,
        names.map((name) => ({
          filename: name,
          longname: name,
          attrs: attributes(lstatSync(join(found.folder, name))),
        })),
      );
    }),
  );
  sftp.on('OPEN', (id, path, flags) =>
    answer(id, () => {
      const fd = openSync(at(path), flags & OPEN_MODE.WRITE ? 'wx' : 'r');
      sftp.handle(id, handleOf({ fd, path }));
    }),
  );
  sftp.on('READ', (id, handle, offset, length) =>
    answer(id, () => {
      const piece = Buffer.alloc(length);
      const read = readSync(file(handle), piece, 0, length, offset);
      if (read === 0) sftp.status(id, STATUS_CODE.EOF);
      else sftp.data(id, piece.subarray(0, read));
    }),
  );
  sftp.on('WRITE', (id, handle, offset, piece) =>
    done(id, () => writeSync(file(handle), piece, 0, piece.length, offset)),
  );
  sftp.on('CLOSE', (id, handle) =>
    done(id, () => {
      const found = behind(handle);
      if (!found || !('fd' in found)) return;
      fsyncSync(found.fd);
      closeSync(found.fd);
      unless('close', found.path);
    }),
  );
  sftp.on('REMOVE', (id, path) => done(id, () => unlinkSync(at(path))));
  sftp.on('RMDIR', (id, path) => done(id, () => rmdirSync(at(path))));
  sftp.on('MKDIR', (id, path) => done(id, () => mkdirSync(at(path))));
  sftp.on('RENAME', (id, from, to) =>
    done(id, () => {
      unless('rename', from);
      renameSync(at(from), at(to));
    }),
  );
  sftp.on('SETSTAT', (id) => sftp.status(id, STATUS_CODE.OK));
}

/** As OpenSSH maps them: whatever it has no word for is a failure. */
function statusOf(error: unknown): number {
  const missing = ['ENOENT', 'ENOTDIR', 'ELOOP'].includes((error as NodeJS.ErrnoException).code ?? '');
  return missing ? STATUS_CODE.NO_SUCH_FILE : STATUS_CODE.FAILURE;
}

function attributes({ mode, uid, gid, size, atimeMs, mtimeMs }: Stats) {
  return { mode, uid, gid, size, atime: Math.floor(atimeMs / 1000), mtime: Math.floor(mtimeMs / 1000) };
}
