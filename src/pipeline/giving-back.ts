import type { Transform } from 'node:stream';
import { giveBack } from '../base/reuse.ts';

/** What was compressed is not looked at again. After a failure the library may still be reading it. */
export function givingBack<Stage extends Transform>(stream: Stage): Stage {
  const transform = stream._transform.bind(stream);
  stream._transform = (chunk: Buffer, encoding, next) =>
    transform(chunk, encoding, (error, data) => {
      if (!error && !stream.destroyed) giveBack(chunk);
      next(error, data);
    });
  return stream;
}
