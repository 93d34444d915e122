import type { Preset, PresetVariable } from './preset.ts';

const variables: readonly PresetVariable[] = [
  { name: 'DB_HOST', to: 'database.host', standard: 'localhost', copied: true, about: '' },
  { name: 'DB_PORT', to: 'database.port', standard: '5432', copied: true, about: '' },
  { name: 'DB_USER', to: 'database.user', standard: 'postgres', copied: true, about: '' },
  { name: 'DB_PASSWORD', to: 'database.password', secret: true, copied: true, about: '' },
  { name: 'DB_NAME', to: 'database.name', standard: 'tma_cloud_storage', copied: true, about: '' },
  {
    name: 'DB_CONTAINER',
    to: 'via.container',
    standard: 'auto',
    copied: true,
    about:
      'Its client tools are used. Without it, the container that the database runs in; where there is none, those of this machine.',
  },
  {
    name: 'BACKUP_RETAIN_COUNT',
    to: 'retention.last',
    standard: '10',
    copied: true,
    about: 'Good backups, and at least 1.',
  },
  {
    name: 'UPLOAD_DIR',
    to: 'files',
    standard: './uploads',
    about: 'Saved together with the database, which the script left to you. A folder that is missing is a warning.',
  },
  {
    name: 'STORAGE_DRIVER',
    to: 'files',
    standard: 'local',
    about: '`s3`: the uploaded files are objects of a bucket and not looked for in a folder.',
  },
];

export const tmaCloud: Preset = {
  name: 'tma-cloud',
  title: 'TMA Cloud',
  variables,
  differences: [
    `The \`.env\` of the application is read as plain values and never run; a variable that you give wins over it. With \`HOLDFAST_PRESET=tma-cloud\`
that is the \`.env\` in the working directory; \`HOLDFAST_ENV_FILE\` names another one, for any preset.`,
    `\`holdfast serve\` backs up at 02:00 UTC, the time of the crontab line in the manual; \`HOLDFAST_SCHEDULE\` sets another one. A crontab may go on
calling \`holdfast backup\`: the two never run at once.`,
    `The folder is \`backups\` in the working directory, as there; \`HOLDFAST_STORAGE_PATH\` names another one. The \`.dump\` files in it are left
alone, and \`holdfast import\` adopts them.`,
    `Without a container or docker, the tools of this machine are used.`,
    `The uploaded files are part of every backup, read right after the database. The \`.env\` is not: keep it apart, with the key in it.`,
  ],
  detect: (has) =>
    ['BACKUP_RETAIN_COUNT', 'DB_CONTAINER'].some(has) && ['DB_HOST', 'DB_NAME', 'DB_USER', 'DB_PASSWORD'].some(has),
  arrange: (draft) => {
    draft.own('dump.format', 'custom');
    draft.own('dump.compression', 'gzip:6');
    draft.own('schedule.cron', '0 2 * * *');
    draft.set(['storages', 'local', 'path'], 'backups');
    if (draft.text('STORAGE_DRIVER')?.toLowerCase() === 's3') {
      draft.warn('STORAGE_DRIVER is s3: the uploaded files in that bucket are not part of these backups');
    } else {
      const tree = { name: 'uploads', path: draft.text('UPLOAD_DIR'), optional: true };
      draft.own('files', [tree], 'UPLOAD_DIR');
    }
  },
};
