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
create trigger backups_insert_seen after insert on backups begin
  insert into versions (source, version) values (new.source, 1) on conflict (source) do update set version = version + 1;
end;
create trigger backups_update_seen after update on backups begin
  insert into versions (source, version) values (new.source, 1) on conflict (source) do update set version = version + 1;
end;
create trigger backups_delete_seen after delete on backups begin
  insert into versions (source, version) values (old.source, 1) on conflict (source) do update set version = version + 1;
end;
create trigger proofs_insert_seen after insert on proofs begin
  insert into versions (source, version) values (new.source, 1) on conflict (source) do update set version = version + 1;
end;
create trigger proofs_update_seen after update on proofs begin
  insert into versions (source, version) values (new.source, 1) on conflict (source) do update set version = version + 1;
end;
create trigger proofs_delete_seen after delete on proofs begin
  insert into versions (source, version) values (old.source, 1) on conflict (source) do update set version = version + 1;
end;
create trigger copies_insert_seen after insert on copies begin
  insert into versions (source, version) values (new.source, 1) on conflict (source) do update set version = version + 1;
end;
create trigger copies_update_seen after update on copies begin
  insert into versions (source, version) values (new.source, 1) on conflict (source) do update set version = version + 1;
end;
create trigger copies_delete_seen after delete on copies begin
  insert into versions (source, version) values (old.source, 1) on conflict (source) do update set version = version + 1;
end;
`;
