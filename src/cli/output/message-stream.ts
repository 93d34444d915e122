import { fstatSync, writeSync } from 'node:fs';
import { Writable } from 'node:stream';
import { isatty } from 'node:tty';

/**
 * Where messages go. Nothing fails because they cannot be written: not for a full disk, whose log goes on once it has space again (Node's own
 * stream of a file is over after its first failure), and not for a reader that went away.
 */
export function messageStream(own: Writable & { fd: number }): Writable {
  own.on('error', () => undefined);
  return isFile(own.fd) ? fileStream(own.fd) : own;
}

/** Also a device that is no terminal. */
function isFile(fd: number): boolean {
  if (isatty(fd)) return false;
  try {
    const facts = fstatSync(fd);
    return facts.isFile() || facts.isCharacterDevice();
  } catch {
    return false;
  }
}

function fileStream(fd: number): Writable {
  return new Writable({
    write(chunk: Buffer, _encoding, next) {
      try {
        for (let at = 0; at < chunk.length;) at += writeSync(fd, chunk, at);
      } catch {
        // Who would be told?
      }
      next();
    },
  });
}
