import type { ResponseOf, Routes } from '../../../src/api/contract.ts';
import { addressOf, Problem, problemOf } from './client.ts';

type Begun = ResponseOf<Routes['importFile']>;

interface Wanted {
  source: string;
  file: File;
  /** Null where it is not encrypted. */
  password: string | null;
  /** It may run with the rights of a superuser. */
  superuser: boolean;
  /** From 0 to 1, while it is on its way. */
  onProgress: (share: number) => void;
  signal: AbortSignal;
}

/** Sends a file as it is read: nothing else tells how far it has come. */
export function upload({ source, file, password, superuser, onProgress, signal }: Wanted): Promise<Begun> {
  const modifiedAt = new Date(file.lastModified).toISOString();
  const request = new XMLHttpRequest();
  const answered = Promise.withResolvers<Begun>();
  const allow = superuser ? { allow: 'superuser' } : {};
  request.open('POST', addressOf('/imports', {}, { source, name: file.name, modifiedAt, ...allow }));
  request.setRequestHeader('x-holdfast', '1');
  request.setRequestHeader('content-type', 'application/octet-stream');
  if (password !== null) request.setRequestHeader('x-holdfast-password', encodeURIComponent(password));
  request.upload.addEventListener('progress', ({ loaded, total }) => onProgress(total === 0 ? 1 : loaded / total));
  request.addEventListener('load', () => {
    const said = parse(request.responseText);
    if (request.status < 300) answered.resolve(said as Begun);
    else answered.reject(problemOf(request.status, said));
  });
  request.addEventListener('error', () => {
    answered.reject(new Problem(0, { code: 'UNREACHABLE', detail: 'the server does not answer', hint: null }));
  });
  request.addEventListener('abort', () => answered.reject(signal.reason));
  signal.addEventListener('abort', () => request.abort(), { once: true });
  request.send(file);
  return answered.promise;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
