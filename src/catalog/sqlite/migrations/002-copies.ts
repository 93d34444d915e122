export const copies = `
create table copies (
  source text not null,
  backup text not null,
  storage text not null,
  attempts integer not null,
  next_at text not null,
  last_error text,
  since text not null,
  primary key (source, backup, storage)
) strict;
`;
