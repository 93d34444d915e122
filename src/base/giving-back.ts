import type { Transform } from 'node:stream';
import { giveBack, markPassing } from './reuse.ts';

/** What was compressed is not looked at again. After a failure the library may still be reading it. */
export function givingBack<Stage extends Transform>(stream: Stage): Stage {
  const transform = stream._transform.bind(stream);
  stream._transform = (chunk: Buffer, encoding, next) =>
    transform(chunk, encoding, (error, data) => {
      if (!error && !stream.destroyed) giveBack(chunk);
      next(error, data);
    });
  return marking(stream);
}

/** What it makes may be freed by its reader: the library fills a piece of memory, passes it on part by part, and takes another one. */
export function marking<Stage extends Transform>(stream: Stage): Stage {
  const push = stream.push.bind(stream);
  stream.push = (content: Buffer | null, encoding?: BufferEncoding) => {
    if (content !== null) markPassing(content);
    return push(content, encoding);
  };
  return stream;
}
