/**
 * `usual`: four tenths are the accounts table of pgbench, the rest text, JSON and numbers; compresses about as the databases of
 * applications do. `dense`: no fillers, many very small rows; harder on a compressor and on counting.
 */
export type DataKind = 'usual' | 'dense';

export const dataKinds: readonly DataKind[] = ['usual', 'dense'];

/**
 * A database of a given size, as its dump's text counts it: one big table, two of wide text and JSON rows, two of many small
 * rows. Rows are copies of a seed of 40,000 different ones with other numbers, far apart enough (20 MB) that no codec's window
 * sees a row twice; text is made of words, so it compresses as text does.
 */
export function dataStatements(bytes: number, kind: DataKind): string[] {
  const seedRows = 40_000;
  // Bytes of one row in a dump, as measured; the share of the whole; rows in proportion.
  const rows = (share: number, rowBytes: number) => Math.max(1000, Math.round((bytes * share) / rowBytes));
  const copies = (count: number) => Math.ceil(count / seedRows);
  // One whole copy of the seed after the other: left alone, the planner puts all copies of a row side by side.
  const from = (count: number) =>
    `FROM generate_series(0, ${copies(count) - 1}) c CROSS JOIN LATERAL (SELECT * FROM seed WHERE c >= 0 OFFSET 0) s LIMIT ${count}`;
  const accounts = kind === 'usual' ? rows(0.4, 97) : 0;
  const big = rows(kind === 'usual' ? 0.3 : 0.45, 195);
  const wide = rows(0.2, 784);
  const notes = rows(0.1, 509);
  const small = kind === 'usual' ? 0 : rows(0.15, 24);
  const pairs = kind === 'usual' ? 0 : rows(0.1, 13);
  return [
    `SELECT setseed(0.42)`,
    `CREATE UNLOGGED TABLE seed AS
     SELECT n, long, substr(long, 1, 150) AS short, md5(n::text) AS hash, random() AS lot FROM (
       SELECT n, string_agg((ARRAY['the order was sent','to the customer','without an invoice','and returned','because of the weather','next morning',
         'the machine stopped','Öffnung um neun','agreed by phone','paid in advance','blue garden chair','delivery in two parts','street and number',
         'never again','the light was on','quickly','please','not before noon','second floor','thank you'])[1 + floor(random() * 20)::int]
         || CASE WHEN random() < 0.15 THEN ' ' || floor(random() * 1000)::text ELSE '' END, ', ') AS long
       FROM generate_series(1, ${seedRows}) n, generate_series(1, 28) part GROUP BY n) made`,
    `CREATE TABLE events AS SELECT c::bigint * ${seedRows} + s.n AS id, timestamptz '2026-01-01 00:00+00' + (c * ${seedRows} + s.n) * interval '1 second' AS at,
       (s.lot * 1e6)::int + c AS customer, round((s.lot * 500)::numeric + c, 2) AS amount, s.short AS text ${from(big)}`,
    `CREATE TABLE documents AS SELECT c::bigint * ${seedRows} + s.n AS id, s.long AS body,
       jsonb_build_object('id', c * ${seedRows} + s.n, 'hash', s.hash, 'tags', jsonb_build_array('a', c, s.n), 'text', substr(s.long, 100, 200), 'ok', s.lot > 0.5) AS data ${from(wide)}`,
    `CREATE TABLE notes AS SELECT c::bigint * ${seedRows} + s.n AS id, s.hash || c AS token, s.long AS text ${from(notes)}`,
    `CREATE TABLE readings AS SELECT c::bigint * ${seedRows} + s.n AS id, s.n % 500 AS sensor, round((20 + s.lot * 10)::numeric, 1) AS value, c AS batch ${from(small)}`,
    `CREATE TABLE pairs AS SELECT c * ${seedRows} + s.n AS a, s.n / 4 + c AS b ${from(pairs)}`,
    `CREATE TABLE accounts AS SELECT g AS aid, 1 + (g - 1) / 100000 AS bid, 0 AS abalance, ''::char(84) AS filler FROM generate_series(1, ${accounts}) g`,
    `DROP TABLE seed`,
    `ALTER TABLE events ADD PRIMARY KEY (id)`,
    `CREATE INDEX ON events (customer)`,
    `ALTER TABLE documents ADD PRIMARY KEY (id)`,
    `ALTER TABLE notes ADD PRIMARY KEY (id)`,
    `ALTER TABLE readings ADD PRIMARY KEY (id)`,
    `ALTER TABLE accounts ADD PRIMARY KEY (aid)`,
    // Without it, the first reader of every page would be the one to set its hint bits.
    `VACUUM ANALYZE`,
    `CHECKPOINT`,
  ];
}
