import { mailSettings } from './mail.ts';
import type { Draft, Preset, PresetVariable } from './preset.ts';
import { s3Settings } from './s3.ts';

const variables: readonly PresetVariable[] = [
  { name: 'PACKAGE_NAME', to: 'instance', about: 'The starter names its containers by it.' },
  { name: 'TZ', to: 'timezone', standard: 'UTC', copied: true, about: 'Of the schedule and of what is shown.' },
  { name: 'DB_HOST', to: 'database.host', standard: 'db', copied: true, about: '' },
  { name: 'DB_PORT', to: 'database.port', standard: '5432', copied: true, about: '' },
  { name: 'DB_NAME', to: 'database.name', standard: 'nestjs_starter_db', copied: true, about: '' },
  { name: 'DB_USER', to: 'database.user', standard: 'postgres', copied: true, about: '' },
  { name: 'DB_PASSWORD', to: 'database.password', secret: true, about: 'The well-known default is not assumed.' },
  { name: 'BACKUP_DIR', to: 'storages.local.path', standard: '/backups', copied: true, about: '' },
  {
    name: 'BACKUP_SCHEDULE',
    to: 'schedule.cron',
    standard: '0 2 * * *',
    copied: true,
    about: 'Later versions of the starter say 3:00 where it is not given; its manual says 2:00, and so do we.',
  },
  {
    name: 'BACKUP_RETENTION_DAYS',
    also: ['RETENTION_DAYS'],
    to: 'retention.maxAge',
    standard: '7',
    about: 'Days. The newest good backup stays however old it is.',
  },
  { name: 'BACKUP_FORMAT', to: 'dump.format', standard: 'custom', about: '`custom`, `directory`, `tar` or `plain`.' },
  {
    name: 'BACKUP_COMPRESSION',
    also: ['COMPRESSION'],
    to: 'dump.compression',
    standard: 'gzip',
    about: '`gzip`, `bzip2` or `xz`; the last two not for `directory`.',
  },
  {
    name: 'AWS_S3_BUCKET',
    also: ['AWS_S3_BUCKET_NAME'],
    to: 'storages.s3.bucket',
    about:
      'Used when both keys are given, too. Both names are read; where the application keeps its own files in a bucket of the other name, give the one for backups as `HOLDFAST_S3_BUCKET`.',
  },
  { name: 'AWS_ACCESS_KEY_ID', to: 'storages.s3.accessKey', secret: true, about: '' },
  { name: 'AWS_SECRET_ACCESS_KEY', to: 'storages.s3.secretKey', secret: true, about: '' },
  { name: 'AWS_REGION', to: 'storages.s3.region', standard: 'us-east-1', about: '' },
  {
    name: 'AWS_S3_PREFIX',
    to: 'storages.s3.prefix',
    standard: 'database-backups',
    about: 'What lies there already is left alone; `holdfast import` adopts it.',
  },
  {
    name: 'NOTIFICATION_EMAIL',
    to: 'alerts.channels',
    about: 'Alerts are on when it, host, user and password are given.',
  },
  { name: 'SMTP_HOST', to: 'alerts.channels', about: '' },
  { name: 'SMTP_PORT', to: 'alerts.channels', standard: '587', about: 'STARTTLS; with 465, TLS from the first byte.' },
  { name: 'SMTP_USER', to: 'alerts.channels', about: 'Also the sender.' },
  {
    name: 'SMTP_PASSWORD',
    also: ['SMTP_PASS'],
    to: 'alerts.channels',
    secret: true,
    about: 'The starter calls it `SMTP_PASS`.',
  },
  { name: 'SMTP_FROM', to: 'alerts.channels', about: 'The sender, where the user is not a mail address.' },
  { name: 'MIN_BACKUPS_COUNT', to: 'monitor.minBackups', standard: '1', copied: true, about: '' },
  { name: 'MAX_BACKUP_SIZE_MB', to: 'monitor.maxSize', standard: '1000', about: '' },
  {
    name: 'MAX_BACKUP_AGE_HOURS',
    to: 'monitor.maxAge',
    about:
      'The age of the newest good backup: that of the oldest, as it was, says nothing. Without it, the schedule decides what is late.',
  },
  { name: 'FORCE_RESTORE', to: '', about: '`true` is `--yes` for `restore`: it skips the question, never a guard.' },
];

export const nestjsStarter: Preset = {
  name: 'nestjs-starter',
  title: 'NestJS starter',
  variables,
  differences: [
    `Compression and bucket have two names each in the texts of the starter; both are read, and they must not differ.`,
    `Every format works with its compression and is verified; a backup that fails leaves nothing behind.`,
    `Retention counts good backups, in the folder and in the bucket, and other files are never touched.`,
    `The password of the database has no default. Passwords and names may hold any character.`,
    `The database is saved, as there. Folders of the application come along where \`HOLDFAST_FILES\` names them.`,
    `Mail is sent when a backup fails, not only about the checks. Objects are stored in the bucket's usual class.`,
  ],
  detect: (has) =>
    has('BACKUP_SCHEDULE') &&
    ['DB_HOST', 'DB_NAME', 'DB_USER', 'DB_PASSWORD', 'PACKAGE_NAME', 'NOTIFICATION_EMAIL', 'BACKUP_FORMAT'].some(has),
  arrange: (draft) => {
    draft.copy('PACKAGE_NAME', 'DB_PASSWORD');
    if (!draft.said('DB_PASSWORD'))
      draft.warn('DB_PASSWORD is not given: the database is asked without one, and not with the well-known default');
    arrangeDump(draft);
    s3Settings(draft, {
      bucket: 'AWS_S3_BUCKET',
      accessKey: 'AWS_ACCESS_KEY_ID',
      secretKey: 'AWS_SECRET_ACCESS_KEY',
      others: ['AWS_REGION', 'AWS_S3_PREFIX'],
    });
    arrangeAlerts(draft);
    const size = draft.whole('MAX_BACKUP_SIZE_MB', { from: 1, to: 1_000_000_000 });
    draft.set(['monitor', 'maxSize'], `${size}mb`, 'MAX_BACKUP_SIZE_MB');
    const age = draft.whole('MAX_BACKUP_AGE_HOURS', { from: 1, to: 100_000 });
    // Not its default: 48 hours would be an alarm each week for a weekly schedule, which says itself what is late.
    if (draft.said('MAX_BACKUP_AGE_HOURS')) draft.set(['monitor', 'maxAge'], `${age}h`, 'MAX_BACKUP_AGE_HOURS');
  },
};

function arrangeDump(draft: Draft): void {
  const days = draft.whole('BACKUP_RETENTION_DAYS', { from: 1, to: 36_500 });
  draft.own('retention.maxAge', `${days}d`, 'BACKUP_RETENTION_DAYS');
  const format = draft.choice('BACKUP_FORMAT', ['custom', 'directory', 'tar', 'plain']);
  draft.own('dump.format', format, 'BACKUP_FORMAT');
  const compression = draft.choice('BACKUP_COMPRESSION', ['gzip', 'bzip2', 'xz']);
  draft.own('dump.compression', compression, 'BACKUP_COMPRESSION');
}

function arrangeAlerts(draft: Draft): void {
  if (!draft.said('NOTIFICATION_EMAIL')) return;
  const missing = ['SMTP_HOST', 'SMTP_USER', 'SMTP_PASSWORD'].filter((name) => !draft.said(name));
  if (missing.length > 0) {
    draft.warn(`no mail is sent to NOTIFICATION_EMAIL; not given: ${missing.join(', ')}`);
    return;
  }
  const path = ['alerts', 'channels', 0];
  const sender = draft.said('SMTP_FROM') ? 'SMTP_FROM' : 'SMTP_USER';
  draft.set([...path, 'type'], 'email', 'NOTIFICATION_EMAIL');
  draft.set([...path, 'from'], draft.text(sender), sender);
  draft.set([...path, 'to'], draft.list('NOTIFICATION_EMAIL'), 'NOTIFICATION_EMAIL');
  const tls = draft.text('SMTP_PORT') === '465' ? 'tls' : 'starttls';
  mailSettings(draft, [...path, 'smtp'], { value: tls, from: ['SMTP_PORT'] });
}
