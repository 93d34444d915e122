/** Whatever a list of backups is made of counts as a change of its source. */
const counted = ['backups', 'proofs', 'copies'].flatMap((table) =>
  [
    ['insert', 'new'],
    ['update', 'new'],
    ['delete', 'old'],
  ].map(
    ([event, row]) => `create trigger ${table}_${event}_seen after ${event} on ${table} begin
  insert into versions (source, version) values (${row}.source, 1) on conflict (source) do update set version = version + 1;
end;`,
  ),
);

/** Who may do what over HTTP, and who did; and which lists have changed since they were last looked at. */
export const access = `
create table users (
  name text primary key,
  role text not null,
  password text,
  totp text,
  totp_step integer,
  recovery text not null,
  subject text unique,
  created_at text not null,
  changed_at text not null
) strict;

create table tokens (
  id text primary key,
  name text not null unique,
  hash text not null unique,
  role text not null,
  sources text,
  actions text,
  created_at text not null,
  created_by text not null,
  expires_at text,
  used_at text,
  used_from text
) strict;

create table sessions (
  hash text primary key,
  user text not null references users (name) on delete cascade,
  created_at text not null,
  seen_at text not null,
  expires_at text not null,
  "from" text not null,
  agent text not null
) strict;
create index sessions_by_user on sessions (user);

create table audit (
  number integer primary key autoincrement,
  at text not null,
  who text not null,
  via text not null,
  "from" text,
  action text not null,
  source text,
  target text,
  outcome text not null,
  detail text
) strict;
create index audit_by_source on audit (source);

alter table runs add column progress text;

create table repeats (
  key text primary key,
  content text not null,
  run text not null,
  at text not null
) strict;

create table versions (
  source text primary key,
  version integer not null
) strict;
${counted.join('\n')}
`;
