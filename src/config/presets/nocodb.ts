import { mailSettings } from './mail.ts';
import { nocodbVariables as variables } from './nocodb-variables.ts';
import type { Draft, Preset } from './preset.ts';
import { s3Settings } from './s3.ts';

export const nocodb: Preset = {
  name: 'nocodb',
  title: 'NocoDB backup sidecar',
  variables,
  prefix: 'NOCODB_BACKUP_',
  foreign: ['NOCODB_BACKUP_IMAGE', 'NOCODB_BACKUP_VERSION', 'NOCODB_BACKUP_TAG'],
  differences: [
    `Weekday 0 stays Monday in \`NOCODB_BACKUP_SCHEDULE_DAY_OF_WEEK\`; in the cron pattern that it becomes, Monday is 1. A line at start says so.`,
    `The schedule really runs (the original's default one never did), and \`NOCODB_BACKUP_SCHEDULE_ENABLED=false\` leaves a program that goes on
running and takes commands. An interval counts from the last good backup, not from the start of the container.`,
    `Retention counts good backups only and always leaves one. It is applied in the folder and in the bucket alike.`,
    `Mail and web addresses are reached with their certificates checked, always: \`SMTP_CERTCHECK\` is not obeyed. With port 465 and no word about
\`SMTP_SSL\`, TLS is spoken from the first byte, since nothing else works there.`,
    `The signature of the webhook is made of the bytes that are sent.`,
    `Nothing sensitive has a default: not the keys of the bucket, and not the password of the database.`,
    `Without \`NOCODB_API_TOKEN\` nothing is exported through the API, and a warning at every start says so. With it, an export that meets an
error fails and is named; it is never a shortened table that counts as whole.`,
    `A data folder that is missing is a warning of the backup, as there; the database is saved all the same.`,
    `Cleaning the audit tables is not done unless asked for: [\`holdfast nocodb audit-cleanup\`](maintenance.md).`,
  ],
  detect: (has) =>
    variables.some(({ name }) => name.startsWith('NOCODB_BACKUP_') && has(name)) ||
    (['NOCODB_API_URL', 'NOCODB_API_TOKEN', 'NOCODB_DATA_PATH'].some(has) && has('DATABASE_PASSWORD')),
  arrange: (draft) => {
    arrangeDatabase(draft);
    arrangeSchedule(draft);
    arrangeStorages(draft);
    arrangeParts(draft);
    arrangeAlerts(draft);
    if (draft.said('NOCODB_BACKUP_INSTANCE_NAME')) draft.copy('NOCODB_BACKUP_INSTANCE_NAME');
    else draft.copy('STACK_NAME');
  },
};

function arrangeDatabase(draft: Draft): void {
  const seconds = draft.whole('NOCODB_BACKUP_DATABASE_DUMP_TIMEOUT', { from: 60, to: 7200 });
  if (!draft.truth('NOCODB_BACKUP_DATABASE_DUMP')) return;
  draft.copy('DB_HOST', 'DB_PORT', 'DB_NAME', 'DB_USER', 'DATABASE_PASSWORD');
  if (!draft.said('DATABASE_PASSWORD')) draft.warn('DATABASE_PASSWORD is not given: the database is asked without one');
  draft.own('dump.format', 'plain');
  draft.own('dump.compression', 'gzip');
  draft.own('dump.timeout', `${seconds}s`, 'NOCODB_BACKUP_DATABASE_DUMP_TIMEOUT');
}

const days = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'];

function arrangeSchedule(draft: Draft): void {
  const mode = draft.choice('NOCODB_BACKUP_SCHEDULE_MODE', ['cron', 'interval']);
  const hour = draft.whole('NOCODB_BACKUP_SCHEDULE_HOUR', { from: 0, to: 23 });
  const minute = draft.whole('NOCODB_BACKUP_SCHEDULE_MINUTE', { from: 0, to: 59 });
  const hours = draft.whole('NOCODB_BACKUP_SCHEDULE_INTERVAL_HOURS', { from: 1, to: 168 });
  const weekdays = weekdaysOf(draft);
  const onStart = draft.truth('NOCODB_BACKUP_ON_STARTUP');
  if (!draft.truth('NOCODB_BACKUP_SCHEDULE_ENABLED')) {
    draft.note('NOCODB_BACKUP_SCHEDULE_ENABLED is false: nothing is backed up by the clock');
    return;
  }
  if (mode === 'interval') {
    const from = ['NOCODB_BACKUP_SCHEDULE_INTERVAL_HOURS', 'NOCODB_BACKUP_SCHEDULE_MODE'];
    draft.own('schedule.every', `${hours}h`, ...from);
  } else {
    const from = ['MINUTE', 'HOUR', 'DAY_OF_WEEK'].map((part) => `NOCODB_BACKUP_SCHEDULE_${part}`);
    draft.own('schedule.cron', `${minute} ${hour} * * ${weekdays}`, ...from);
  }
  if (onStart) draft.own('schedule.runOnStart', true, 'NOCODB_BACKUP_ON_STARTUP');
}

/** Here 0 is Monday; in cron it is Sunday. */
function weekdaysOf(draft: Draft): string {
  const name = 'NOCODB_BACKUP_SCHEDULE_DAY_OF_WEEK';
  const said = draft.said(name);
  const text = said?.text.trim();
  if (said === null || text === '*') return '*';
  const written = draft.list(name);
  if (written.length === 0 || written.some((day) => !/^[0-6]$/.test(day))) {
    draft.problem(
      said.origin,
      `must be * or a list of days from 0 (Monday) to 6 (Sunday) such as 0,2,4, is ${JSON.stringify(said.text)}`,
    );
    return '*';
  }
  const chosen = [...new Set(written.map(Number))].toSorted((a, b) => a - b);
  const cron = chosen.map((day) => (day + 1) % 7).toSorted((a, b) => a - b);
  const names = chosen.map((day) => days[day]).join(', ');
  draft.note(`${said.origin}=${text} means ${names} (0 is Monday there); the cron pattern says ${cron.join(',')}`);
  return cron.join(',');
}

function arrangeStorages(draft: Draft): void {
  const used = s3Settings(draft, {
    bucket: 'NOCODB_BACKUP_S3_BUCKET',
    accessKey: 'NOCODB_BACKUP_S3_ACCESS_KEY',
    secretKey: 'NOCODB_BACKUP_S3_SECRET_KEY',
    others: ['NOCODB_BACKUP_S3_ENDPOINT_URL', 'NOCODB_BACKUP_S3_REGION', 'NOCODB_BACKUP_S3_PREFIX'],
  });
  if (used) {
    draft.set(['storages', 's3', 'pathStyle'], true);
    draft.set(['storages', 's3', 'createBucket'], true);
    draft.copy('S3_MULTIPART_CHUNK_SIZE');
  }
  arrangeRemoval(draft, 'NOCODB_BACKUP_DELETE_LOCAL_AFTER_S3', 'NOCODB_BACKUP_KEEP_LOCAL_ARCHIVE');
}

/** Older versions say when to remove the local copy, later ones when to keep it. */
function arrangeRemoval(draft: Draft, remove: string, keep: string): void {
  const removes = draft.truth(remove);
  const keeps = draft.truth(keep);
  if (draft.said(remove) && draft.said(keep) && removes === keeps) {
    draft.problem(remove, `is ${removes} and ${keep} is ${keeps}, which contradict each other; give one of them`);
  } else if (draft.said(remove)) {
    draft.own('deleteLocalAfterCopy', removes, remove);
  } else if (draft.said(keep)) {
    draft.own('deleteLocalAfterCopy', !keeps, keep);
  }
}

function arrangeParts(draft: Draft): void {
  if (draft.truth('NOCODB_BACKUP_INCLUDE_FILES')) {
    const path = draft.text('NOCODB_DATA_PATH');
    // As there, a folder that is missing is told of, and does not keep the database from being saved.
    const tree = { name: 'nocodb-data', path, optional: true };
    draft.own('files', [tree], 'NOCODB_BACKUP_INCLUDE_FILES', 'NOCODB_DATA_PATH');
  }
  const records = draft.truth('NOCODB_BACKUP_INCLUDE_RECORDS');
  const attachments = draft.truth('NOCODB_BACKUP_INCLUDE_ATTACHMENTS');
  if (!draft.truth('NOCODB_BACKUP_API_EXPORT')) return;
  if (!draft.said('NOCODB_API_TOKEN')) {
    const how = 'give one, or say NOCODB_BACKUP_API_EXPORT=false';
    draft.warn(`NOCODB_API_TOKEN is not given: nothing is exported through the API of NocoDB; ${how}`);
    return;
  }
  draft.own('app.kind', 'nocodb', 'NOCODB_BACKUP_API_EXPORT');
  draft.copy('NOCODB_API_URL', 'NOCODB_API_TOKEN');
  draft.own('app.records', records, 'NOCODB_BACKUP_INCLUDE_RECORDS');
  draft.own('app.attachments', attachments, 'NOCODB_BACKUP_INCLUDE_ATTACHMENTS');
}

function arrangeAlerts(draft: Draft): void {
  const level = draft.choice('NOCODB_BACKUP_ALERT_LEVEL', ['errors', 'warnings', 'all']);
  const wanted = channelsOf(draft);
  if (draft.said('S3_MULTIPART_THRESHOLD'))
    draft.note('S3_MULTIPART_THRESHOLD has no effect: what is small enough for one request is sent in one');
  if (!draft.truth('NOCODB_BACKUP_ALERT_ENABLED')) return;
  draft.set(['alerts', 'level'], level, 'NOCODB_BACKUP_ALERT_LEVEL');
  if (wanted.length === 0)
    draft.warn(
      'NOCODB_BACKUP_ALERT_ENABLED is true, but NOCODB_BACKUP_ALERT_CHANNELS names no channel: nobody is told',
    );
  const complete = wanted.filter((kind) => isComplete(draft, kind));
  for (const [index, kind] of complete.entries()) arrangeChannel(draft, kind, ['alerts', 'channels', index]);
}

const kinds = ['email', 'teams', 'webhook'] as const;
type Kind = (typeof kinds)[number];

function channelsOf(draft: Draft): Kind[] {
  const name = 'NOCODB_BACKUP_ALERT_CHANNELS';
  const written = draft.list(name).map((word) => word.toLowerCase());
  const unknown = written.filter((word) => !kinds.some((kind) => kind === word));
  if (unknown.length > 0)
    draft.problem(
      draft.said(name)?.origin ?? name,
      `names ${unknown.join(', ')}, which this system did not have; allowed: ${kinds.join(', ')}`,
    );
  return kinds.filter((kind) => written.includes(kind));
}

const needs: Readonly<Record<Kind, readonly string[]>> = {
  email: ['SMTP_HOST', 'SMTP_FROM', 'NOCODB_BACKUP_ALERT_EMAIL'],
  teams: ['NOCODB_BACKUP_TEAMS_WEBHOOK'],
  webhook: ['NOCODB_BACKUP_WEBHOOK_URL'],
};

/** As in the original, an incomplete channel is told of and does not keep backups from being made. */
function isComplete(draft: Draft, kind: Kind): boolean {
  const login = ['SMTP_USER', 'SMTP_PASSWORD'];
  const needed = kind === 'email' && login.some((name) => draft.said(name)) ? [...needs.email, ...login] : needs[kind];
  const missing = needed.filter((name) => !draft.said(name));
  if (missing.length > 0) draft.warn(`the alert channel ${kind} is not used; not given: ${missing.join(', ')}`);
  return missing.length === 0;
}

function arrangeChannel(draft: Draft, kind: Kind, path: readonly (string | number)[]): void {
  draft.set([...path, 'type'], kind, 'NOCODB_BACKUP_ALERT_CHANNELS');
  const direct = (key: string, name: string) => {
    const value = draft.text(name);
    if (value !== null) draft.set([...path, key], value, name);
  };
  if (kind === 'teams') direct('url', 'NOCODB_BACKUP_TEAMS_WEBHOOK');
  if (kind === 'webhook') {
    direct('url', 'NOCODB_BACKUP_WEBHOOK_URL');
    direct('secret', 'WEBHOOK_SECRET');
  }
  if (kind === 'email') {
    direct('from', 'SMTP_FROM');
    direct('fromName', 'SMTP_FROM_NAME');
    draft.set([...path, 'to'], draft.list('NOCODB_BACKUP_ALERT_EMAIL'), 'NOCODB_BACKUP_ALERT_EMAIL');
    mailSettings(draft, [...path, 'smtp'], tlsOf(draft));
  }
}

function tlsOf(draft: Draft): { value: string; from: string[] } {
  if (draft.said('SMTP_CERTCHECK') && !draft.truth('SMTP_CERTCHECK'))
    draft.warn('SMTP_CERTCHECK is not obeyed: the certificate of the mail server is always checked');
  const implicit = draft.truth('SMTP_SSL');
  const starttls = draft.truth('SMTP_TLS');
  if (implicit) return { value: 'tls', from: ['SMTP_SSL'] };
  if (draft.text('SMTP_PORT') === '465' && !draft.said('SMTP_SSL')) {
    draft.note('SMTP_PORT is 465, where only TLS from the first byte works: SMTP_SSL=true is assumed');
    return { value: 'tls', from: ['SMTP_PORT'] };
  }
  return { value: starttls ? 'starttls' : 'none', from: ['SMTP_TLS'] };
}
