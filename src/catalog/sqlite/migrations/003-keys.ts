/** The current key of each source; in `record` no secret in the clear. */
export const keys = `
create table keys (
  source text primary key,
  record text not null
) strict;
`;
