/** The last part of an image's name: `postgres`, `postgis`, `timescaledb`, `pgvector`, `postgresql`; not `postgres-exporter`. */
export function isPostgresImage(name: string): boolean {
  return /^(postgres|postgresql|postgis|timescaledb|timescaledb-ha|pgvector|alloydbomni)(-\d+)?$/.test(name);
}
