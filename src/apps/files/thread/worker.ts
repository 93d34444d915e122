import { parentPort, receiveMessageOnPort, workerData, type MessagePort } from 'node:worker_threads';
import { HoldfastError, systemErrno, toHoldfastError } from '../../../base/errors.ts';
import { chunkBytes, Chunks, type Chunk } from './chunks.ts';
import { removeHere } from './remove-here.ts';
import { cutFor, cutFromBytes, Cuts, type CutSink } from './cuts.ts';
import { TarReader } from '../tar/reader.ts';
import { lookAtTree, sizeOfTree } from './tree-look.ts';
import { TreePacker } from './tree-packer.ts';
import { TreeUnpacker } from './tree-unpacker.ts';
import {
  passes,
  type CutReport,
  type FromThread,
  type Job,
  type SentChunk,
  type ThreadFailure,
  type ToThread,
} from './thread-job.ts';

/** What the thread prepares before it waits for its reader. Above, because the work begins right below. */
const piecesAhead = 8;
/** Each may have a dozen megabytes: one is stored while the next one is read. */
const groupsAhead = 1;

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
    case 'cut':
      return tell(out, { kind: 'done', result: cutTree(job, out) });
    case 'measure':
      return tell(out, { kind: 'done', result: new TreePacker(job.settings, new Chunks(null)).run() });
    case 'look':
      return tell(out, { kind: 'done', result: lookAtTree(job.settings) });
    case 'remove':
      removeHere(job.path);
      return tell(out, { kind: 'done', result: null });
    case 'unpack':
      return unpack(new TreeUnpacker(job.settings), out);
  }
}

function cutTree({ settings, before, taken, asked }: Extract<Job, { kind: 'cut' }>, out: MessagePort): CutReport {
  const bytes = sizeOfTree(settings);
  if (bytes < cutFromBytes) return null;
  const cut = cutFor(bytes, before);
  const ahead = aheadOf(taken);
  let asking = false;
  const sink: CutSink = {
    group: (chunks) => {
      ahead(groupsAhead);
      const sent = chunks.map(sentChunk);
      tell(
        out,
        { kind: 'group', chunks: sent },
        sent.map((chunk) => chunk.bytes.buffer),
      );
    },
    ask: (rawBytes) => {
      if (!asking) tell(out, { kind: 'alone', rawBytes });
      Atomics.wait(asked, 0, passes.nothing);
      const wanted = Atomics.exchange(asked, 0, passes.nothing);
      asking = wanted !== passes.next;
      return wanted === passes.digest ? 'digest' : wanted === passes.send ? 'send' : null;
    },
    chunk: (chunk) => {
      ahead();
      const sent = sentChunk(chunk);
      tell(out, sent, [sent.bytes.buffer]);
    },
    end: (sha256) => tell(out, { kind: 'end', sha256 }),
  };
  return { ...new TreePacker(settings, new Cuts(cut, sink, memoryFrom(out))).run(), cut };
}

/** A few pieces ahead of the reader, then waits for it: the thread has nothing else to do. */
function sender(out: MessagePort, taken: Int32Array): Chunks {
  const ahead = aheadOf(taken);
  const send = (chunk: Chunk) => {
    ahead();
    const sent = sentChunk(chunk);
    tell(out, sent, [sent.bytes.buffer]);
  };
  return new Chunks(send, memoryFrom(out));
}

/** What its reader has given back, or new. */
function memoryFrom(out: MessagePort): () => Buffer {
  return () => {
    const message = receiveMessageOnPort(out)?.message as ToThread | undefined;
    return message?.kind === 'memory' ? Buffer.from(message.memory) : Buffer.allocUnsafeSlow(chunkBytes);
  };
}

function aheadOf(taken: Int32Array): (most?: number) => void {
  let sent = 0;
  return (most = piecesAhead) => {
    for (let seen = Atomics.load(taken, 0); sent - seen >= most; seen = Atomics.load(taken, 0))
      Atomics.wait(taken, 0, seen);
    sent += 1;
  };
}

function sentChunk({ bytes: chunk, members }: Chunk): SentChunk {
  const bytes = new Uint8Array(chunk.buffer as ArrayBuffer, chunk.byteOffset, chunk.byteLength);
  return { kind: 'chunk', bytes, members };
}

function unpack(unpacker: TreeUnpacker, out: MessagePort): void {
  const reader = new TarReader(unpacker);
  out.on('message', (message: ToThread) => {
    try {
      if (message.kind === 'chunk') {
        const { buffer: memory, byteOffset, byteLength } = message.bytes;
        reader.push(Buffer.from(memory, byteOffset, byteLength));
        return tell(out, { kind: 'taken', memory }, [memory]);
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
