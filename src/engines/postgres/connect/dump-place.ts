import { randomBytes } from 'node:crypto';
import { runProcess } from '../../../base/run-process.ts';
import { containerCommand } from '../../shared/container.ts';
import type { ClientTools } from './tools.ts';

/** A local file or folder where the tools can see it: as it is, or copied into their container until disposed. */
export async function reachableFor(
  tools: ClientTools,
  path: string,
  signal: AbortSignal,
): Promise<{ path: string } & AsyncDisposable> {
  const { container } = tools;
  if (!container) return { path, [Symbol.asyncDispose]: async () => undefined };
  const inside = `/tmp/holdfast-${randomBytes(8).toString('hex')}`;
  const remove = async () => {
    const command = containerCommand(container, 'rm', ['-rf', inside], {});
    await runProcess(command, { signal: AbortSignal.timeout(60_000) });
  };
  try {
    await runProcess({ program: container.engine, args: ['cp', path, `${container.id}:${inside}`] }, { signal });
  } catch (error) {
    await remove().catch(() => undefined);
    throw error;
  }
  return { path: inside, [Symbol.asyncDispose]: remove };
}
