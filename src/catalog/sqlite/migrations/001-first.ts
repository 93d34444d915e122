/** SQL kept in a module, so that the source and the compiled package find it alike without copying files. */
export const first = `
create table runs (
  id text primary key,
  operation text not null,
  source text,
  backup text,
  trigger text not null,
  state text not null,
  started_at text not null,
  finished_at text,
  host text not null,
  pid integer not null,
  process text,
  error text,
  result text
) strict;
create index runs_by_source on runs (source);
create index runs_by_state on runs (state);

create table run_lines (
  run text not null references runs (id) on delete cascade,
  at text not null,
  level text not null,
  message text not null,
  fields text
) strict;
create index run_lines_by_run on run_lines (run);

create table locks (
  name text primary key,
  token text not null,
  run text,
  host text not null,
  pid integer not null,
  process text,
  acquired_at text not null,
  renewed_at text not null,
  lease_ms integer not null
) strict;

create table backups (
  storage text not null,
  source text not null,
  id text not null,
  state text not null,
  stamp text not null,
  facts text,
  problem text,
  held text,
  primary key (storage, source, id)
) strict;

create table proofs (
  kind text not null,
  source text not null,
  backup text not null,
  storage text not null,
  at text not null,
  ok integer not null,
  depth text,
  seconds real not null,
  result text,
  unique (source, backup, kind, storage, at)
) strict;
`;
