import type { Command, CommandContext } from '../command.ts';
import type { DaemonHealth } from '../examine-daemon.ts';
import { print, printJson } from '../output/print.ts';

export const health: Command = {
  name: 'health',
  summary: 'does the daemon work; for healthchecks of containers',
  group: 'look',
  examples: [
    { line: 'holdfast health', does: 'one line; exit code 0 when all is well, else 1' },
    { line: 'holdfast health --json', does: 'the same for programs, check by check' },
  ],
  help: `The daemon must run, its scheduler must have ticked within the last minute, the state folder must be writable, and its server, where it has one, must say the same. A daemon in another container is judged by its ticks. Whether backups are as they should be is told by \`holdfast check\`.`,
  run: async (context) => {
    const found = await examine(context);
    if (context.json) printJson(context.io, found);
    else print(context.io, `${found.ok ? 'healthy' : 'unhealthy'}: ${found.message}`);
    return found.ok ? 'done' : 'failed';
  },
};

/** Healthchecks know two answers, so whatever goes wrong on the way is the second. */
async function examine({ catalog, clock, signal }: CommandContext): Promise<DaemonHealth> {
  const [{ hostname }, { examineDaemon }, { askHealthz }] = await Promise.all([
    import('node:os'),
    import('../examine-daemon.ts'),
    import('../ask-healthz.ts'),
  ]);
  try {
    const opened = await catalog();
    return await examineDaemon({
      catalog: opened,
      clock,
      host: hostname(),
      ask: (address) => askHealthz(address, signal),
    });
  } catch (error) {
    const { toHoldfastError } = await import('../../base/errors.ts');
    const { withoutSecrets } = await import('../../base/secret.ts');
    const { code, message } = toHoldfastError(error);
    const checks = { daemon: { ok: false, state: 'none' }, state: { ok: false, code }, http: null } as const;
    return { ok: false, message: withoutSecrets(`${message} (${code})`), daemon: null, checks };
  }
}
