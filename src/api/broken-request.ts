import type { Socket } from 'node:net';
import { problemType, toProblem } from './problem.ts';
import { securityHeaders } from './security-headers.ts';

/** What Node could not read as HTTP never becomes a request; the answer is written by hand. */
export function answerBrokenRequest(error: Error & { code?: string }, socket: Socket): void {
  if (!socket.writable || socket.destroyed || error.code === 'ECONNRESET') return void socket.destroy();
  answerByHand(Object.assign(new Error('broken request'), { statusCode: statusOf(error) }), socket);
}

/** Whatever belongs to this connection is over with it. */
export function answerByHand(error: unknown, socket: Socket): void {
  const problem = toProblem(error);
  const body = JSON.stringify(problem);
  const headers = { ...securityHeaders, 'content-type': problemType, 'content-length': Buffer.byteLength(body) };
  const head = Object.entries({ ...headers, connection: 'close' }).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${problem.status} ${problem.title}\r\n${head.join('')}\r\n${body}`);
}

function statusOf({ code = '' }: { code?: string }): number {
  if (code.includes('OVERFLOW')) return 431;
  return code.endsWith('REQUEST_TIMEOUT') ? 408 : 400;
}
