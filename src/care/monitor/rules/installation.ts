import type { Finding } from '../../alerts/finding.ts';
import type { Facts, Trouble } from '../facts.ts';
import { finding, type Rule } from './rule.ts';

export const installationRules: readonly Rule[] = [stateWritable, daemonAlive];

function stateWritable({ installation: { state, stateTrouble } }: Facts): Finding[] {
  return stateTrouble === null ? [] : [stateNotWritable(state, stateTrouble)];
}

/** Also for whoever could not even open it. */
export function stateNotWritable(state: string, trouble: Trouble): Finding {
  return finding('STATE_NOT_WRITABLE', {
    severity: 'critical',
    message: `the state in ${state} cannot be written: ${trouble.message} (${trouble.code})`,
    meaning: 'No backup can begin, because nothing could be locked or recorded.',
    hint: trouble.hint ?? 'See that the disk has room and the user of holdfast may write there.',
  });
}

function daemonAlive({ installation: { scheduled, daemon } }: Facts): Finding[] {
  if (scheduled === 0 || daemon === 'alive') return [];
  // Not how many: whoever may see some of the sources is told this, too.
  const plans = 'there are schedules';
  const said = {
    never: `${plans}, and no daemon has run yet`,
    stopped: `${plans}, and the daemon was stopped`,
    dead: `${plans}, and the daemon died`,
    silent: `${plans}, and the daemon gives no sign of life`,
    stuck: `${plans}, and the daemon does nothing any more, although its process runs`,
  };
  return [
    finding('DAEMON_DOWN', {
      // Who stopped it, or never started it, may have another way; the age of the backups will tell.
      severity: daemon === null || daemon === 'stopped' ? 'warning' : 'critical',
      value: daemon ?? 'never',
      threshold: 'alive',
      message: said[daemon ?? 'never'],
      meaning: 'No backup will be taken by itself.',
      hint: 'Start `holdfast serve`, and let the system restart it when it ends. Where cron or a timer calls `holdfast backup`, remove the schedules from the configuration and set `monitor.maxAge`.',
    }),
  ];
}
