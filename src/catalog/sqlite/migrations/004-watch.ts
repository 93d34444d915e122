/** What the daemon and the alerts remember. Runs of the time before are nobody's news. */
export const watch = `
alter table runs add column noticed integer not null default 0;
update runs set noticed = case when finished_at is null then 1 else 2 end;
create index runs_unnoticed on runs (noticed) where noticed < 2;

create table incidents (
  key text not null,
  severity text not null,
  source text,
  title text not null,
  opened_at text not null,
  last_seen_at text not null,
  times integer not null,
  told_at text,
  resolved_at text,
  detail text
) strict;
create unique index incidents_open on incidents (key) where resolved_at is null;
create index incidents_by_source on incidents (source);

create table deliveries (
  id text primary key,
  channel text not null,
  message text not null,
  created_at text not null,
  attempts integer not null,
  next_at text not null,
  state text not null,
  ended_at text,
  last_error text
) strict;
create index deliveries_by_state on deliveries (state, channel);

create table daemons (
  id text primary key,
  host text not null,
  pid integer not null,
  process text,
  version text not null,
  started_at text not null,
  tick_at text not null,
  stopped_at text,
  listen text
) strict;

create table marks (
  name text primary key,
  last_attempt text,
  last_good text,
  detail text
) strict;
`;
