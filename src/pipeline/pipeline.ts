import { pipeline, type Duplex, type Readable } from 'node:stream';
import { destroyOnAbort } from '../base/streams.ts';

/** How much a stage may hold: large enough that few chunks make few round trips, small enough that ten stages are nothing. */
export const bufferedBytes = 1024 * 1024;

/**
 * A source led through stages, as one stream. A stage observes (`meter`, `digest`) or transforms (`compressor`), and none is told of an
 * end before the one above it has come to its own. One failing destroys all, with the first cause as everybody's error; so
 * does the signal, with its reason. Forward into a storage and back out of it are both this.
 */
export function through(source: Readable, stages: readonly (Duplex | null)[], signal: AbortSignal): Readable {
  const streams = stages.filter((stage) => stage !== null);
  destroyOnAbort(source, signal);
  const last = streams.at(-1) ?? source;
  // It may fail before its reader has begun. The reader finds the error all the same.
  last.on('error', () => undefined);
  if (last !== source) pipeline([source, ...streams], () => undefined);
  return last;
}
