import { parentPort, workerData, type MessagePort } from 'node:worker_threads';
import { HoldfastError, systemErrno, toHoldfastError } from '../../base/errors.ts';
import type { Chunk } from './chunks.ts';
import { removeHere } from './remove-here.ts';
import { TarReader } from './tar-reader.ts';
import { lookAtTree } from './tree-look.ts';
import { TreePacker } from './tree-packer.ts';
import { TreeUnpacker } from './tree-unpacker.ts';
import type { FromThread, Job, ThreadFailure, ToThread } from './thread-job.ts';

/** The thread that reads and writes trees, with calls that block; one job each. */
const port = parentPort;
if (port) {
  try {
    begin(workerData as Job, port);
  } catch (error) {
    tell(port, { kind: 'failed', failure: failureOf(error) });
  }
}

function begin(job: Job, out: MessagePort): void {
  switch (job.kind) {
    case 'pack':
      return tell(out, { kind: 'done', result: new TreePacker(job.settings, sender(out, job.taken)).run() });
    case 'measure':
      return tell(out, { kind: 'done', result: new TreePacker(job.settings, null).run() });
    case 'look':
      return tell(out, { kind: 'done', result: lookAtTree(job.settings) });
    case 'remove':
      removeHere(job.path);
      return tell(out, { kind: 'done', result: null });
    case 'unpack':
      return unpack(new TreeUnpacker(job.settings), out);
  }
}

/** A few pieces ahead of the reader, then waits for it: the thread has nothing else to do. */
function sender(out: MessagePort, taken: Int32Array): (chunk: Chunk) => void {
  const ahead = 4;
  let sent = 0;
  return ({ bytes: chunk, members }) => {
    for (let seen = Atomics.load(taken, 0); sent - seen >= ahead; seen = Atomics.load(taken, 0))
      Atomics.wait(taken, 0, seen);
    sent += 1;
    const bytes = new Uint8Array(chunk.buffer as ArrayBuffer, chunk.byteOffset, chunk.byteLength);
    tell(out, { kind: 'chunk', bytes, members }, [bytes.buffer]);
  };
}

function unpack(unpacker: TreeUnpacker, out: MessagePort): void {
  const reader = new TarReader(unpacker);
  out.on('message', (message: ToThread) => {
    try {
      if (message.kind === 'chunk') {
        reader.push(Buffer.from(message.bytes.buffer, message.bytes.byteOffset, message.bytes.byteLength));
        return tell(out, { kind: 'taken' });
      }
      reader.finish();
      unpacker.finish();
      tell(out, { kind: 'done', result: { ownersLost: unpacker.ownersLost } });
    } catch (error) {
      unpacker.close();
      tell(out, { kind: 'failed', failure: failureOf(error) });
    }
    out.close();
  });
}

function tell(out: MessagePort, message: FromThread, transfer: ArrayBuffer[] = []): void {
  out.postMessage(message, transfer);
}

/** Errors lose their class between threads. */
function failureOf(error: unknown): ThreadFailure {
  const { code, message, kind, hint } = toHoldfastError(error);
  const errno = error instanceof HoldfastError ? undefined : systemErrno(error);
  return { code, message, kind, hint, errno };
}
