import type {
  RepeatRecords,
  SessionRecord,
  SessionRecords,
  TokenRecord,
  TokenRecords,
  UserRecord,
  UserRecords,
} from '../catalog.ts';
import type { Connection, Row } from './connection.ts';
import { fromJson, toJson } from './json.ts';

export function userRecords(connection: Connection): UserRecords {
  const one = (row: Row | undefined) => (row ? toUser(row) : null);
  return {
    put: (record) => {
      connection.run(
        `insert into users (name, role, password, totp, totp_step, recovery, subject, created_at, changed_at)
         values ($name, $role, $password, $totp, $totpStep, $recovery, $subject, $createdAt, $changedAt)
         on conflict (name) do update set role = excluded.role, password = excluded.password, totp = excluded.totp,
           totp_step = excluded.totp_step, recovery = excluded.recovery, subject = excluded.subject, changed_at = excluded.changed_at`,
        { ...record, recovery: JSON.stringify(record.recovery) },
      );
    },
    get: (name) => one(connection.get('select * from users where name = $name', { name })),
    bySubject: (subject) => one(connection.get('select * from users where subject = $subject', { subject })),
    list: () => connection.all('select * from users order by name').map(toUser),
    remove: (name) => {
      connection.run('delete from users where name = $name', { name });
    },
  };
}

export function tokenRecords(connection: Connection): TokenRecords {
  return {
    add: (record) => {
      connection.run(
        `insert into tokens (id, name, hash, role, sources, actions, created_at, created_by, expires_at, used_at, used_from)
         values ($id, $name, $hash, $role, $sources, $actions, $createdAt, $createdBy, $expiresAt, $usedAt, $usedFrom)`,
        { ...record, sources: toJson(record.sources), actions: toJson(record.actions) },
      );
    },
    byHash: (hash) => {
      const row = connection.get('select * from tokens where hash = $hash', { hash });
      return row ? toToken(row) : null;
    },
    list: () => connection.all('select * from tokens order by created_at, id').map(toToken),
    used: (id, at, from) => {
      connection.run('update tokens set used_at = $at, used_from = $from where id = $id', { id, at, from });
    },
    remove: (id) => connection.run('delete from tokens where id = $id', { id }) > 0,
  };
}

export function sessionRecords(connection: Connection): SessionRecords {
  return {
    add: (record) => {
      connection.run(
        `insert into sessions (hash, user, created_at, seen_at, expires_at, "from", agent)
         values ($hash, $user, $createdAt, $seenAt, $expiresAt, $from, $agent)`,
        { ...record },
      );
    },
    get: (hash) => {
      const row = connection.get('select * from sessions where hash = $hash', { hash });
      return row ? toSession(row) : null;
    },
    seen: (hash, at, from, expiresAt) => {
      connection.run('update sessions set seen_at = $at, "from" = $from, expires_at = $expiresAt where hash = $hash', {
        hash,
        at,
        from,
        expiresAt,
      });
    },
    list: (user) =>
      connection.all('select * from sessions where user = $user order by seen_at desc', { user }).map(toSession),
    remove: (hash) => {
      connection.run('delete from sessions where hash = $hash', { hash });
    },
    removeOf: (user) => {
      connection.run('delete from sessions where user = $user', { user });
    },
    trim: (now) => {
      connection.run('delete from sessions where expires_at < $now', { now });
    },
  };
}

export function repeatRecords(connection: Connection): RepeatRecords {
  return {
    get: (key, { since, until }) => {
      connection.run('delete from repeats where at < $since or at > $until', { since, until });
      const row = connection.get('select * from repeats where key = $key', { key });
      if (!row) return null;
      return { key, content: row['content'] as string, run: row['run'] as string, at: row['at'] as string };
    },
    put: (record) => {
      connection.run('insert into repeats (key, content, run, at) values ($key, $content, $run, $at)', { ...record });
    },
  };
}

function toUser(row: Row): UserRecord {
  return {
    name: row['name'] as string,
    role: row['role'] as string,
    password: row['password'] as string | null,
    totp: row['totp'] as string | null,
    totpStep: row['totp_step'] as number | null,
    recovery: fromJson(row['recovery']) as string[],
    subject: row['subject'] as string | null,
    createdAt: row['created_at'] as string,
    changedAt: row['changed_at'] as string,
  };
}

function toToken(row: Row): TokenRecord {
  return {
    id: row['id'] as string,
    name: row['name'] as string,
    hash: row['hash'] as string,
    role: row['role'] as string,
    sources: fromJson(row['sources']) as string[] | null,
    actions: fromJson(row['actions']) as string[] | null,
    createdAt: row['created_at'] as string,
    createdBy: row['created_by'] as string,
    expiresAt: row['expires_at'] as string | null,
    usedAt: row['used_at'] as string | null,
    usedFrom: row['used_from'] as string | null,
  };
}

function toSession(row: Row): SessionRecord {
  return {
    hash: row['hash'] as string,
    user: row['user'] as string,
    createdAt: row['created_at'] as string,
    seenAt: row['seen_at'] as string,
    expiresAt: row['expires_at'] as string,
    from: row['from'] as string,
    agent: row['agent'] as string,
  };
}
