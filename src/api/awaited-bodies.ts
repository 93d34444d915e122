import type { IncomingMessage } from 'node:http';

const awaited = new WeakSet<IncomingMessage>();

/** Nothing is done about this request before its body is here; until then, or until it is gone. */
export function awaitBody(request: IncomingMessage): void {
  awaited.add(request);
  for (const end of ['end', 'close']) request.once(end, () => awaited.delete(request));
}

export function isBodyAwaited(request: IncomingMessage): boolean {
  return awaited.has(request);
}
