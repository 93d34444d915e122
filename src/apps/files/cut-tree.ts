import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { throwIfAborted } from '../../base/abort.ts';
import { HoldfastError } from '../../base/errors.ts';
import { lend } from '../../base/reuse.ts';
import type { SharedPart } from '../app.ts';
import type { TreeSettings } from './options.ts';
import { factsOf, packSettings, unreadableError, warningsOf } from './pack-tree.ts';
import { listen, returnMemory, startThread } from './thread/thread.ts';
import { passes, type CutReport, type FromThread, type SentChunk } from './thread/thread-job.ts';
import { TreeDigest } from './tar/tree-digest.ts';
import type { TreeFacts } from './tree-facts.ts';

/** A tree on its way into several tars, each of which stock tar unpacks over the same folder, in their order. */
export interface CutTree {
  /** One after the other: a tar can be read until the next one is asked for. None at all where the tree is too small to be cut. */
  tars(signal: AbortSignal): AsyncGenerator<CutTar>;
  /** Both are complete when all tars were taken; null: it was not cut. */
  facts(): TreeFacts | null;
  warnings(): string[];
}

export interface CutTar {
  shared: SharedPart;
  open(signal: AbortSignal): Readable;
}

type Message = Exclude<FromThread, { kind: 'failed' | 'taken' }>;

/** `before`: how long a part of it was the last time. */
export function cutTree(tree: TreeSettings, before: number | null): CutTree {
  let report: CutReport | undefined;
  let parts = 0;
  const complete = () => {
    if (report === undefined) throw new HoldfastError('UNEXPECTED', `${tree.name} was asked about before it was read`);
    return report;
  };
  return {
    tars: async function* tars(signal) {
      const settings = await packSettings(tree);
      await using thread = startCutting({ settings, before }, signal);
      const digest = new TreeDigest();
      for (;;) {
        const message = await thread.next();
        if (message.kind === 'done') {
          report = message.result as CutReport;
          break;
        }
        parts += 1;
        if (message.kind === 'group') {
          const taken = takeChunks(message.chunks, digest);
          yield groupTar(taken);
          thread.took();
          for (const { bytes } of message.chunks) thread.returns(bytes.buffer);
        } else if (message.kind === 'alone') {
          yield aloneTar(thread, message.rawBytes);
          thread.ask('next');
        } else throw new HoldfastError('UNEXPECTED', `the thread that reads files said ${message.kind} of itself`);
      }
      if (report === null) return;
      if (report.unreadable.count > 0 && !tree.optional) throw unreadableError(tree, report.unreadable);
      digest.merge(report.content.digest);
      report = { ...report, content: { ...report.content, digest: digest.hex() } };
    },
    facts: () => {
      const made = complete();
      return made && { ...factsOf(tree, made), parts, cut: made.cut };
    },
    warnings: () => {
      const made = complete();
      return made === null ? [] : warningsOf(tree, made);
    },
  };
}

function takeChunks(chunks: readonly SentChunk[], digest: TreeDigest): Buffer[] {
  return chunks.map(({ bytes, members }) => {
    for (const [said, from, to] of members) digest.addSaid(said, bytes.subarray(from, to));
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  });
}

function groupTar(chunks: readonly Buffer[]): CutTar {
  return {
    shared: {
      rawBytes: chunks.reduce((sum, { length }) => sum + length, 0),
      digest: async () => {
        const hash = createHash('sha256');
        for (const chunk of chunks) hash.update(chunk);
        return hash.digest('hex');
      },
    },
    open: () => Readable.from(chunks, { objectMode: false }),
  };
}

/** Too large for the memory: the thread reads it once for its digest, where that is asked for, and again to give it. */
function aloneTar(thread: CutThread, rawBytes: number | null): CutTar {
  return {
    shared: {
      rawBytes,
      digest: async () => {
        thread.ask('digest');
        const said = await thread.next();
        if (said.kind === 'end' && said.sha256 !== null) return said.sha256;
        throw new HoldfastError('UNEXPECTED', 'the thread that reads files took no digest');
      },
    },
    open: () => Readable.from(chunksOf(thread), { objectMode: false }),
  };
}

async function* chunksOf(thread: CutThread): AsyncGenerator<Buffer> {
  thread.ask('send');
  for (;;) {
    const message = await thread.next();
    if (message.kind !== 'chunk') break;
    const { buffer, byteOffset, byteLength } = message.bytes;
    yield lend(Buffer.from(buffer, byteOffset, byteLength), (memory) => thread.returns(memory));
    thread.took();
  }
}

interface CutThread extends AsyncDisposable {
  next(): Promise<Message>;
  /** Room for one more. */
  took(): void;
  ask(what: 'digest' | 'send' | 'next'): void;
  /** What was in it is not needed any more. */
  returns(memory: ArrayBuffer): void;
}

function startCutting(
  job: { settings: Awaited<ReturnType<typeof packSettings>>; before: number | null },
  signal: AbortSignal,
): CutThread {
  throwIfAborted(signal);
  const taken = new Int32Array(new SharedArrayBuffer(4));
  const asked = new Int32Array(new SharedArrayBuffer(4));
  const worker = startThread({ kind: 'cut', ...job, taken, asked });
  const said: Message[] = [];
  let failure: { error: Error } | undefined;
  let wake: () => void = () => undefined;
  const push = (message: Message) => {
    said.push(message);
    wake();
  };
  listen(worker, {
    chunk: (bytes, members) => push({ kind: 'chunk', bytes, members }),
    done: (result) => push({ kind: 'done', result: result as CutReport }),
    other: push,
    failed: (error) => {
      failure ??= { error };
      wake();
    },
  });
  const stop = () => void worker.terminate();
  signal.addEventListener('abort', stop, { once: true });
  return {
    next: async () => {
      for (;;) {
        throwIfAborted(signal);
        const message = said.shift();
        if (message) return message;
        if (failure) throw failure.error;
        const { promise, resolve } = Promise.withResolvers<void>();
        wake = resolve;
        await promise;
      }
    },
    took: () => {
      Atomics.add(taken, 0, 1);
      Atomics.notify(taken, 0);
    },
    ask: (what) => {
      Atomics.store(asked, 0, passes[what]);
      Atomics.notify(asked, 0);
    },
    returns: (memory) => returnMemory(worker, memory),
    [Symbol.asyncDispose]: async () => {
      signal.removeEventListener('abort', stop);
      await worker.terminate();
    },
  };
}
