import { z } from 'zod';
import { actions, roles, type Action } from '../access/roles.ts';
import { planBody, restoreBody } from './restore-body.ts';

/** One route. The same description checks requests, types handlers and clients, and becomes the OpenAPI document. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Below `/api/v1`; parameters in braces. */
  readonly path: string;
  readonly summary: string;
  /** What the audit log calls it, where another route does the same. */
  readonly deed?: string;
  /** What the one who asks must be allowed to do; `signed-in` for what concerns only themselves; null: anybody. */
  readonly action: Action | 'signed-in' | null;
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  readonly body?: z.ZodType;
  /** The body is a file, as it is. */
  readonly upload?: true;
  /** It goes on while the state cannot be written; what is noted down of it is brought there later. */
  readonly enduring?: true;
  /** What is answered; `stream` for bytes and events. */
  readonly response: z.ZodType | 'stream' | 'nothing';
  /** 200 where nothing is said; 202 for work that goes on. */
  readonly status?: 201 | 202 | 204;
}

const moment = z.iso.datetime().meta({ description: 'UTC, ISO 8601' });
const error = z.object({ code: z.string(), message: z.string(), hint: z.string().nullable() });
const name = z.string().min(1).max(200);
const copyState = z.enum(['complete', 'unreadable', 'incomplete', 'corrupt', 'missing', 'pending']);
const runState = z.enum(['queued', 'running', 'succeeded', 'partial', 'failed', 'cancelled']);

const proof = z.object({ at: moment, ok: z.boolean() });
export const backupView = z.object({
  id: z.string(),
  source: z.string(),
  createdAt: moment,
  description: z.string().nullable(),
  bytes: z.number(),
  sharedBytes: z.number().meta({ description: 'Of these, what other backups may hold, too.' }),
  addedBytes: z.number().meta({ description: 'What it added to its storage when it was made.' }),
  seconds: z.number().nullable(),
  state: z.enum(['complete', 'unreadable', 'incomplete', 'corrupt']),
  copies: z.record(z.string(), copyState),
  verified: proof.extend({ depth: z.string() }).nullable(),
  drilled: proof.extend({ seconds: z.number() }).nullable(),
  held: z.boolean(),
  trigger: z.string().nullable(),
});

export const progressView = z.object({
  step: z.string(),
  part: z.string(),
  bytes: z.number(),
  total: z.number().nullable(),
  rate: z.number().nullable().meta({ description: 'bytes a second' }),
  at: moment,
});

export const runView = z.object({
  id: z.string(),
  operation: z.string(),
  source: z.string().nullable(),
  backup: z.string().nullable(),
  trigger: z.string(),
  state: runState,
  startedAt: moment,
  finishedAt: moment.nullable(),
  host: z.string(),
  pid: z.number(),
  process: z.string().nullable(),
  error: error.nullable(),
  result: z.unknown(),
  progress: progressView.nullable(),
});

export const findingView = z.object({
  code: z.string(),
  severity: z.enum(['critical', 'warning']),
  source: z.string().nullable(),
  storage: z.string().nullable(),
  value: z.union([z.string(), z.number()]).nullable(),
  threshold: z.union([z.string(), z.number()]).nullable(),
  message: z.string(),
  meaning: z.string(),
  hint: z.string(),
});

export const sourceView = z.object({
  name: z.string(),
  engine: z.string(),
  database: z.string().meta({ description: 'Where it is, without secrets.' }),
  inPlace: z.boolean().meta({
    description:
      'Whether its live database can be restored in place and in parts; otherwise only as a whole, or beside it.',
  }),
  storages: z.array(z.object({ name: z.string(), title: z.string(), copies: z.number(), bytes: z.number() })),
  encrypted: z.boolean(),
  newest: backupView.nullable().meta({ description: 'The newest complete one that is no safety backup.' }),
  backups: z.number(),
  damaged: z.number(),
  bytes: z.number(),
  drilled: proof.extend({ id: z.string(), seconds: z.number() }).nullable(),
  running: z.array(runView),
  failed: runView
    .nullable()
    .meta({ description: 'The last backup when it failed, otherwise the last run when that failed.' }),
  scheduling: z
    .boolean()
    .meta({ description: 'Whether schedules are followed; with `scheduler.enabled: false` nothing is next.' }),
  next: z.array(z.object({ plan: z.string(), at: moment })),
  sizes: z
    .array(z.object({ at: moment, bytes: z.number(), seconds: z.number() }))
    .meta({ description: 'The last backups, oldest first, for a picture: 60 of one source, 20 in the list of all.' }),
});

const prunedView = z.object({
  source: z.string(),
  storage: z.string(),
  decisions: z.array(
    z.object({
      id: z.string(),
      keep: z.boolean(),
      reasons: z.array(z.string()),
      at: z.string(),
      bytes: z.number().nullable(),
      sharedBytes: z.number(),
    }),
  ),
  objects: z.object({ removed: z.number(), postponed: z.string().nullable() }).meta({
    description: 'Shared objects that no backup needed any more; what is left for another time and why.',
  }),
  removed: z.array(z.string()),
  freedBytes: z.number(),
  failed: z.array(z.object({ id: z.string(), code: z.string(), message: z.string() })),
  error: error.nullable().meta({ description: 'Why nothing, or not everything, could be done there.' }),
});

export const guardView = z.object({
  code: z.string(),
  result: z.enum(['pass', 'warn', 'block']),
  detail: z.string(),
  override: z.string().nullable(),
});

export const userView = z.object({
  name: z.string(),
  role: z.enum(roles),
  totp: z.boolean(),
  external: z.boolean().meta({ description: 'Signs in through a provider.' }),
  createdAt: moment,
});

export const tokenView = z.object({
  id: z.string(),
  name: z.string(),
  role: z.enum(roles),
  sources: z.array(z.string()).nullable(),
  actions: z.array(z.enum(actions)).nullable(),
  createdAt: moment,
  createdBy: z.string(),
  expiresAt: moment.nullable(),
  usedAt: moment.nullable(),
  usedFrom: z.string().nullable(),
});

export const auditView = z.object({
  number: z.number(),
  at: moment,
  who: z.string(),
  via: z.string(),
  from: z.string().nullable(),
  action: z.string(),
  source: z.string().nullable(),
  target: z.string().nullable(),
  run: z.string().nullable(),
  outcome: z.string(),
  detail: z.string().nullable(),
});

export const sessionView = z.object({
  name: z.string(),
  kind: z.enum(['user', 'token']),
  role: z.enum(roles),
  sources: z.array(z.string()).nullable(),
  actions: z.array(z.enum(actions)),
  totp: z.boolean(),
  instance: z.string(),
  version: z.string(),
  timezone: z.string(),
});

export const settingsView = z.object({
  file: z.string().nullable(),
  writable: z.boolean(),
  reason: z.string().nullable().meta({ description: 'Why it cannot be written.' }),
  revision: z.string().nullable().meta({ description: 'Give it back with a change, so that none is lost.' }),
  pending: z.boolean().meta({ description: 'A change takes effect as soon as nothing runs.' }),
  settings: z.unknown().meta({ description: 'As in holdfast.yaml, complete; secrets are dots.' }),
  editable: z.array(z.string()).meta({ description: 'What may be changed here; * is any name.' }),
  origins: z.record(z.string(), z.string()).meta({
    description: 'By the path of a setting, where it comes from: a line of the file, a variable, or default.',
  }),
});

const page = <Item extends z.ZodType>(item: Item) =>
  z.object({
    items: z.array(item),
    next: z.string().nullable().meta({ description: 'Give it as `cursor` for what comes after.' }),
  });
const paging = {
  cursor: z.string().max(200).optional(),
  limit: z.coerce.number().int().min(1).max(500).default(100),
};
const wait = z
  .string()
  .regex(/^\d{1,4}(s|m)$/)
  .optional()
  .meta({ description: 'Answer only when the run has ended, or after so long: 60s.' });
const started = z.object({ run: runView });
const ofBackup = z.object({ source: name, id: name });
const ofRun = z.object({ id: name });

/** Every route of `/api/v1`. One file because it is one table. */
export const routes = {
  session: {
    method: 'GET',
    path: '/session',
    summary: 'Who asks, and what they may',
    action: 'signed-in',
    response: sessionView,
  },
  entrance: {
    method: 'GET',
    path: '/entrance',
    summary: 'How one gets in',
    action: null,
    response: z.object({ setUp: z.boolean(), provider: z.string().nullable() }),
  },
  signIn: {
    method: 'POST',
    path: '/session',
    summary: 'Sign in; the answer sets the cookie of the session',
    action: null,
    enduring: true,
    body: z.strictObject({ name, password: z.string().max(2000), code: z.string().max(100).optional() }),
    response: sessionView,
  },
  enterProvider: {
    method: 'GET',
    path: '/session/provider',
    summary: 'Leads to the sign-in of the provider, where there is one; for browsers',
    action: null,
    response: 'stream',
  },
  leaveProvider: {
    method: 'GET',
    path: '/session/callback',
    summary: 'Where the provider leads back to; the answer sets the cookie of the session',
    action: null,
    response: 'stream',
  },
  signOut: {
    method: 'DELETE',
    path: '/session',
    summary: 'Sign out',
    action: 'signed-in',
    enduring: true,
    response: 'nothing',
    status: 204,
  },
  setUp: {
    method: 'POST',
    path: '/setup',
    summary: 'Make the first user, with the token from the log of the daemon',
    action: null,
    body: z.strictObject({ token: z.string().max(200), name, password: z.string().max(2000) }),
    response: sessionView,
    status: 201,
  },
  changePassword: {
    method: 'PUT',
    path: '/session/password',
    summary: 'Change one’s own password; all sessions end',
    action: 'signed-in',
    body: z.strictObject({ current: z.string().max(2000), password: z.string().max(2000) }),
    response: 'nothing',
    status: 204,
  },
  beginTotp: {
    method: 'POST',
    path: '/session/totp',
    summary: 'A new secret for an authenticator',
    action: 'signed-in',
    response: z.object({ secret: z.string(), address: z.string() }),
  },
  confirmTotp: {
    method: 'PUT',
    path: '/session/totp',
    summary: 'Turn the second factor on, with a code made by the new secret',
    action: 'signed-in',
    body: z.strictObject({
      secret: z.string().min(16).max(100),
      code: z.string().max(20),
      password: z.string().max(2000),
    }),
    response: z.object({ recovery: z.array(z.string()) }),
  },
  removeTotp: {
    method: 'DELETE',
    path: '/session/totp',
    summary: 'Turn the second factor off',
    action: 'signed-in',
    body: z.strictObject({ password: z.string().max(2000) }),
    response: 'nothing',
    status: 204,
  },

  sources: {
    method: 'GET',
    path: '/sources',
    summary: 'What is protected, and how it stands',
    action: 'read',
    response: z.array(sourceView),
  },
  source: {
    method: 'GET',
    path: '/sources/{source}',
    summary: 'One source',
    action: 'read',
    params: z.object({ source: name }),
    response: sourceView,
  },
  backups: {
    method: 'GET',
    path: '/backups',
    summary: 'Backups, newest first',
    action: 'read',
    query: z.object({ source: name.optional(), fresh: z.stringbool().default(false), ...paging }),
    response: page(backupView),
  },
  createBackup: {
    method: 'POST',
    path: '/backups',
    summary: 'Take a backup; an Idempotency-Key makes repeating it safe',
    action: 'backup',
    query: z.object({ wait }),
    body: z
      .strictObject({
        source: name.optional(),
        description: z.string().max(500).nullable().optional(),
        only: z
          .array(z.enum(['database', 'files', 'app']))
          .min(1)
          .max(3)
          .nullable()
          .default(null)
          .meta({ description: 'Only these parts of the source; null: all there are.' }),
      })
      .prefault({}),
    response: started,
    status: 202,
  },
  backup: {
    method: 'GET',
    path: '/backups/{source}/{id}',
    summary: 'One backup: facts, copies, proofs, contents',
    action: 'read',
    params: ofBackup,
    response: z.object({
      backup: backupView,
      manifest: z.record(z.string(), z.unknown()).nullable(),
      pending: z.array(
        z.object({ storage: z.string(), attempts: z.number(), nextAt: moment, lastError: error.nullable() }),
      ),
      proofs: z.array(
        z.object({
          kind: z.enum(['verify', 'drill']),
          at: moment,
          ok: z.boolean(),
          storage: z.string(),
          depth: z.string().nullable(),
          seconds: z.number(),
          result: z.unknown(),
        }),
      ),
    }),
  },
  changeBackup: {
    method: 'PATCH',
    path: '/backups/{source}/{id}',
    summary: 'Hold it, or let go of it',
    action: 'hold',
    params: ofBackup,
    body: z.strictObject({ held: z.boolean(), reason: z.string().max(500).nullable().optional() }),
    response: z.object({ storages: z.array(z.string()) }),
  },
  deleteBackup: {
    method: 'DELETE',
    path: '/backups/{source}/{id}',
    summary: 'Remove it from all storages, or from one',
    action: 'delete',
    params: ofBackup,
    query: z.object({ storage: name.optional(), allowLast: z.stringbool().default(false), wait }),
    response: started,
    status: 202,
  },
  verifyBackup: {
    method: 'POST',
    path: '/backups/{source}/{id}/verify',
    summary: 'Compare every stored byte, and parse it',
    action: 'verify',
    params: ofBackup,
    query: z.object({ wait }),
    body: z
      .strictObject({ depth: z.enum(['checksum', 'structure']).default('structure'), storage: name.optional() })
      .prefault({}),
    response: started,
    status: 202,
  },
  drillBackup: {
    method: 'POST',
    path: '/backups/{source}/{id}/drill',
    summary: 'Restore it into a scratch database, compare, clean up',
    action: 'drill',
    params: ofBackup,
    query: z.object({ wait }),
    body: z.strictObject({ storage: name.optional() }).prefault({}),
    response: started,
    status: 202,
  },
  copyBackup: {
    method: 'POST',
    path: '/backups/{source}/{id}/copy',
    summary: 'Copy it to another storage of the source',
    action: 'copy',
    params: ofBackup,
    query: z.object({ wait }),
    body: z.strictObject({ to: name }),
    response: started,
    status: 202,
  },
  planPrune: {
    method: 'POST',
    path: '/prune/plan',
    summary: 'What retention would keep and remove, each with its rule; nothing is touched',
    action: 'prune',
    body: z.strictObject({ source: name.optional() }).prefault({}),
    response: z.array(prunedView),
  },
  prune: {
    method: 'POST',
    path: '/prune',
    summary: 'Apply retention, of one source or of all',
    action: 'prune',
    query: z.object({ wait }),
    body: z.strictObject({ source: name.optional() }).prefault({}),
    response: started,
    status: 202,
  },

  downloadBackup: {
    method: 'GET',
    path: '/backups/{source}/{id}/download',
    summary: 'The whole backup as it is stored, with its keys, as a tar',
    action: 'download',
    enduring: true,
    params: ofBackup,
    query: z.object({ storage: name.optional() }),
    response: 'stream',
  },
  downloadArtifact: {
    method: 'GET',
    path: '/backups/{source}/{id}/artifact',
    summary: 'One artifact as it is stored; takes Range',
    action: 'download',
    enduring: true,
    params: ofBackup,
    query: z.object({ path: z.string().min(1).max(1000), storage: name.optional() }),
    response: 'stream',
  },

  importFile: {
    method: 'POST',
    path: '/imports',
    summary: 'Take in a dump that is sent as the body: a custom, tar or plain dump, or a .nbdata file',
    action: 'import',
    query: z.object({
      source: name.optional(),
      name: name.meta({ description: 'Of the file; its time and its system are read from it.' }),
      modifiedAt: moment.optional().meta({ description: 'Of the file, where its name tells no time.' }),
      description: z.string().max(500).optional(),
      allow: z
        .enum(['script', 'unpatched', 'superuser'])
        .optional()
        .meta({ description: 'Lifts this guard; needs the right to change settings, too.' }),
      wait,
    }),
    upload: true,
    response: started,
    status: 202,
  },

  planRestore: {
    method: 'POST',
    path: '/restores/plan',
    summary: 'What a restore would do, and which guards stand in its way; nothing is touched',
    action: 'restore',
    enduring: true,
    body: planBody,
    response: z.object({
      id: z.string(),
      what: z.enum(['database', 'files', 'bases']).meta({ description: 'What kind of restore it is.' }),
      mode: z
        .enum(['swap', 'in-place', 'new'])
        .nullable()
        .meta({ description: 'How what lives is replaced; null through the API of an application.' }),
      target: z.string(),
      files: z
        .array(
          z.object({
            name: z.string(),
            target: z.string(),
            replaces: z.boolean(),
            files: z.number(),
            bytes: z.number(),
          }),
        )
        .meta({ description: 'Folders that come back.' }),
      creates: z.array(z.string()).meta({ description: 'Of bases, a line each; the first thousand, as of the next.' }),
      skips: z.array(z.string()),
      cannot: z.array(z.string()).meta({ description: 'What cannot be restored, with the reason.' }),
      blocks: z.array(z.string()).meta({ description: 'What stands in the way of bases.' }),
      guards: z.array(guardView),
      blocked: z.boolean(),
      confirm: z
        .string()
        .nullable()
        .meta({ description: 'What has to be typed; null when nothing alive is replaced.' }),
    }),
  },
  restore: {
    method: 'POST',
    path: '/restores',
    summary: 'Restore; `confirm` is the word that the plan named',
    action: 'restore',
    enduring: true,
    query: z.object({ wait }),
    body: restoreBody,
    response: started,
    status: 202,
  },
  undoRestore: {
    method: 'POST',
    path: '/restores/undo',
    summary: 'The way back after a restore that kept the old database',
    action: 'restore',
    enduring: true,
    query: z.object({ wait }),
    body: z.strictObject({
      source: name.optional(),
      sessions: z.enum(['disconnect', 'refuse']).default('disconnect'),
      unfinished: z
        .boolean()
        .default(false)
        .meta({ description: 'Only a swap that was cut off is taken back: where there is none, nothing is done.' }),
      allow: z
        .array(z.enum(['app-stopped']))
        .default([])
        .meta({ description: 'Guards that are lifted.' }),
      confirm: z.string().max(200),
    }),
    response: started,
    status: 202,
  },

  runs: {
    method: 'GET',
    path: '/runs',
    summary: 'What was done, newest first',
    action: 'read',
    query: z.object({
      source: name.optional(),
      operation: name.optional(),
      state: runState.optional(),
      before: name.optional().meta({ description: 'The id of the last one seen, for what comes after.' }),
      limit: paging.limit,
    }),
    response: z.array(runView),
  },
  run: { method: 'GET', path: '/runs/{id}', summary: 'One run', action: 'read', params: ofRun, response: runView },
  runLog: {
    method: 'GET',
    path: '/runs/{id}/log',
    summary: 'What a run said',
    action: 'read',
    params: ofRun,
    response: z.array(z.object({ at: moment, level: z.string(), message: z.string() })),
  },
  cancelRun: {
    method: 'DELETE',
    path: '/runs/{id}',
    summary: 'Ask a run to end; what is unfinished is removed',
    action: 'cancel',
    enduring: true,
    params: ofRun,
    response: runView,
    status: 202,
  },

  check: {
    method: 'GET',
    path: '/check',
    summary: 'What is not as it should be',
    action: 'read',
    query: z.object({ fresh: z.stringbool().default(false) }),
    response: z.object({
      at: moment.nullable(),
      goodUntil: moment.nullable().meta({
        description: 'After that it says nothing of now any more: the looks that were due since did not happen.',
      }),
      status: z.enum(['ok', 'warning', 'critical', 'unknown']),
      findings: z.array(findingView),
    }),
  },

  report: {
    method: 'GET',
    path: '/report',
    summary: 'The report: as data, or with `as` as a page or as text',
    action: 'read',
    query: z.object({ source: name.optional(), as: z.enum(['json', 'html', 'text']).default('json') }),
    response: 'stream',
  },
  alerts: {
    method: 'GET',
    path: '/alerts',
    summary: 'What is the matter since when, who was told, and channels',
    action: 'read',
    response: z.unknown(),
  },
  testAlerts: {
    method: 'POST',
    path: '/alerts/test',
    summary: 'Send a test message through every channel, or one',
    action: 'alert',
    body: z.strictObject({ channel: name.optional() }).prefault({}),
    response: z.array(z.unknown()),
  },
  events: {
    method: 'GET',
    path: '/events',
    summary:
      'Server-sent events: `run` when one begins, moves or ends, `changed` when lists have, `checked` when somebody has looked',
    action: 'read',
    response: 'stream',
  },

  comingTimes: {
    method: 'GET',
    path: '/schedule/times',
    summary: 'When a cron pattern would be due next, on days of clock change too; nothing is planned by asking',
    action: 'read',
    query: z.object({
      cron: z.string().max(200),
      timezone: z.string().max(100).meta({ description: 'Such as Europe/Berlin.' }),
      count: z.coerce.number().int().min(1).max(20).default(3),
    }),
    response: z.object({
      times: z.array(moment),
      problem: z.string().nullable().meta({ description: 'Why there are none.' }),
    }),
  },

  settings: {
    method: 'GET',
    path: '/settings',
    summary: 'The configuration, without its secrets',
    action: 'settings',
    response: settingsView,
  },
  changeSettings: {
    method: 'PUT',
    path: '/settings',
    summary: 'Change settings in holdfast.yaml, all or none; null removes one, dots leave a secret as it is',
    action: 'settings',
    body: z.strictObject({
      revision: z.string().max(100).optional(),
      changes: z
        .array(
          z.strictObject({
            path: z
              .array(z.union([z.string().min(1).max(200), z.number().int().min(0)]))
              .min(1)
              .max(20),
            value: z.unknown(),
          }),
        )
        .min(1)
        .max(200),
    }),
    response: settingsView,
  },

  tokens: {
    method: 'GET',
    path: '/tokens',
    summary: 'Tokens for programs',
    action: 'access',
    response: z.array(tokenView),
  },
  createToken: {
    method: 'POST',
    path: '/tokens',
    summary: 'Make a token; it is shown only now',
    action: 'access',
    body: z.strictObject({
      name,
      role: z.enum(roles),
      sources: z.array(name).min(1).nullable().default(null),
      actions: z.array(z.enum(actions)).min(1).nullable().default(null),
      expiresAt: moment.nullable().default(null),
    }),
    response: tokenView.extend({ token: z.string() }),
    status: 201,
  },
  revokeToken: {
    method: 'DELETE',
    path: '/tokens/{id}',
    summary: 'Revoke a token',
    action: 'access',
    params: ofRun,
    response: 'nothing',
    status: 204,
  },
  users: { method: 'GET', path: '/users', summary: 'Users', action: 'access', response: z.array(userView) },
  createUser: {
    method: 'POST',
    path: '/users',
    summary: 'Add a user',
    action: 'access',
    body: z.strictObject({ name, role: z.enum(roles), password: z.string().max(2000) }),
    response: userView,
    status: 201,
  },
  changeUser: {
    method: 'PATCH',
    path: '/users/{name}',
    summary: 'Change role or password, or take the second factor away',
    action: 'access',
    params: z.object({ name }),
    body: z.strictObject({
      role: z.enum(roles).optional(),
      password: z.string().max(2000).optional(),
      totp: z.literal(false).optional(),
    }),
    response: userView,
  },
  removeUser: {
    method: 'DELETE',
    path: '/users/{name}',
    summary: 'Remove a user',
    action: 'access',
    params: z.object({ name }),
    response: 'nothing',
    status: 204,
  },
  audit: {
    method: 'GET',
    path: '/audit',
    summary: 'Who did what, newest first',
    action: 'access',
    query: z.object({ who: name.optional(), source: name.optional(), action: name.optional(), ...paging }),
    response: page(auditView),
  },
} as const satisfies Record<string, Route>;

export type Routes = typeof routes;
export type RouteName = keyof Routes;

type Given<T> = T extends z.ZodType ? z.output<T> : undefined;
type Sent<T> = T extends z.ZodType ? z.input<T> : undefined;

/** What a handler is given, once it was checked. */
export interface RequestOf<R extends Route> {
  params: Given<R['params']>;
  query: Given<R['query']>;
  body: Given<R['body']>;
}

/** What a client sends. */
export interface CallOf<R extends Route> {
  params: Sent<R['params']>;
  query: Sent<R['query']>;
  body: Sent<R['body']>;
}

export type ResponseOf<R extends Route> = R['response'] extends z.ZodType ? z.input<R['response']> : void;

export type BackupView = z.output<typeof backupView>;
export type RunView = z.output<typeof runView>;
export type SourceView = z.output<typeof sourceView>;
export type GuardView = z.output<typeof guardView>;
