import type { Preset, PresetVariable } from './preset.ts';

const variables: readonly PresetVariable[] = [
  { name: 'POSTGRES_HOST', to: 'database.host', standard: 'postgresql', copied: true, about: '' },
  { name: 'POSTGRES_PORT', to: 'database.port', standard: '5432', copied: true, about: '' },
  { name: 'POSTGRES_DB', to: 'database.name', standard: 'unicorn_db', copied: true, about: '' },
  { name: 'POSTGRES_USER', to: 'database.user', standard: 'unicorn', copied: true, about: '' },
  { name: 'POSTGRES_PASSWORD', to: 'database.password', secret: true, about: 'The well-known default is not assumed.' },
  { name: 'BACKUP_DIR', to: 'storages.local.path', standard: '/app/backups/database', copied: true, about: '' },
  { name: 'BACKUP_RETENTION_DAYS', to: 'retention.maxAge', standard: '7', about: 'Days.' },
  {
    name: 'BACKUP_MAX_COUNT',
    to: 'retention.last',
    standard: '30',
    copied: true,
    about: 'A backup goes only when it is neither among these nor young enough.',
  },
  {
    name: 'BACKUP_INTERVAL_HOURS',
    to: 'schedule.every',
    standard: '24',
    about: 'From the last good backup on, so restarts postpone nothing.',
  },
  {
    name: 'BACKUP_ENABLED',
    also: ['BACKUP_AUTO_ENABLED'],
    to: 'schedule',
    standard: 'true',
    about: '`false` really switches scheduled backups off.',
  },
];

export const opsCenter: Preset = {
  name: 'ops-center',
  title: 'Ops-Center',
  variables,
  differences: [
    `A backup is removed when **no** rule keeps it, as the manual of Ops-Center says; its program removed what any one rule did not keep.
Limits below 1 are errors.`,
    `There is no limit of 300 seconds for a dump; \`HOLDFAST_TIMEOUT\` sets one.`,
    `The database is saved, as there. Folders of the application come along where \`HOLDFAST_FILES\` names them.`,
    `Daemon and command line read the same settings. The password has no default.`,
  ],
  detect: (has) => {
    const own = ['BACKUP_INTERVAL_HOURS', 'BACKUP_MAX_COUNT', 'BACKUP_AUTO_ENABLED'].filter(has).length;
    const database = ['POSTGRES_HOST', 'POSTGRES_DB', 'POSTGRES_USER', 'POSTGRES_PASSWORD'].some(has);
    return own >= 2 || (own === 1 && database);
  },
  arrange: (draft) => {
    draft.copy('POSTGRES_PASSWORD');
    if (!draft.said('POSTGRES_PASSWORD'))
      draft.warn(
        'POSTGRES_PASSWORD is not given: the database is asked without one, and not with the well-known default',
      );
    draft.own('dump.format', 'plain');
    draft.own('dump.compression', 'gzip');
    const days = draft.whole('BACKUP_RETENTION_DAYS', { from: 1, to: 36_500 });
    draft.own('retention.maxAge', `${days}d`, 'BACKUP_RETENTION_DAYS');
    const hours = draft.whole('BACKUP_INTERVAL_HOURS', { from: 1, to: 8760 });
    if (draft.truth('BACKUP_ENABLED')) draft.own('schedule.every', `${hours}h`, 'BACKUP_INTERVAL_HOURS');
    else draft.note(`${draft.said('BACKUP_ENABLED')?.origin} is false: nothing is backed up by the clock`);
  },
};
