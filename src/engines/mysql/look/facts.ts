import { HoldfastError } from '../../../base/errors.ts';
import type { DatabaseFacts } from '../../engine.ts';
import type { Connection } from '../connect/connection.ts';
import { exactly } from '../connect/kept-names.ts';
import { flavourOf, numberOf } from '../connect/server-version.ts';
import type { Relation } from './tables.ts';

/** What this engine notes in `properties`: what a restore must find again, or know. */
export interface Properties {
  /** `10.11.19-MariaDB-0+deb12u1`: product and build. */
  server: string;
  /** 1: the server stores names in lower case, so that `Shop` and `shop` cannot both be there. */
  lowerCaseTableNames: number;
  sqlMode: string;
  /** Accounts as whom views, routines, triggers and events act. */
  definers: string[];
  /** The largest statement the server took, in bytes. */
  maxAllowedPacket: number;
}

export async function readFacts(
  connection: Connection,
  relations: readonly Relation[],
  tool: { version: string; via: string },
): Promise<DatabaseFacts> {
  const name = connection.address.database;
  const server = await connection.value('SELECT VERSION()');
  const [schema] = await connection.rows<{ encoding: string; collation: string }>(
    `SELECT DEFAULT_CHARACTER_SET_NAME AS encoding, DEFAULT_COLLATION_NAME AS collation
     FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = ?`,
    [name],
  );
  if (!schema) throw new HoldfastError('DATABASE_MISSING', `the database ${name} does not exist`);
  const engines = relations.flatMap(({ kind, engine }) => (kind === 'table' && engine ? [engine] : []));
  const properties: Properties = {
    server,
    ...(await readVariables(connection)),
    definers: await definersOf(connection),
  };
  return {
    engine: flavourOf(server),
    name,
    serverVersion: numberOf(server),
    toolVersion: tool.version,
    via: tool.via,
    encoding: schema.encoding,
    collation: schema.collation,
    collationVersion: null,
    sizeBytes: relations.reduce((sum, { bytes }) => sum + bytes, 0),
    owner: '',
    // Storage engines beyond the usual one: without them the tables cannot be made.
    extensions: [...new Set(engines)]
      .filter((engine) => engine !== 'InnoDB')
      .toSorted()
      .map((engine) => ({ name: engine, version: '' })),
    settings: [],
    roles: [],
    owners: [],
    policyRoles: [],
    properties: { ...properties },
  };
}

async function readVariables(
  connection: Connection,
): Promise<Pick<Properties, 'lowerCaseTableNames' | 'sqlMode' | 'maxAllowedPacket'>> {
  const row = await connection.row<{ lower: number | string; mode: string; packet: number | string }>(
    'SELECT @@lower_case_table_names AS `lower`, @@GLOBAL.sql_mode AS `mode`, @@GLOBAL.max_allowed_packet AS `packet`',
  );
  return { lowerCaseTableNames: Number(row.lower), sqlMode: row.mode, maxAllowedPacket: Number(row.packet) };
}

async function definersOf(connection: Connection): Promise<string[]> {
  const rows = await connection.rows<{ definer: string }>(
    `SELECT DEFINER AS definer FROM information_schema.VIEWS WHERE TABLE_SCHEMA = ?
     UNION SELECT DEFINER FROM information_schema.ROUTINES WHERE ${await exactly(connection, 'routine_schema')} = ?
     UNION SELECT DEFINER FROM information_schema.TRIGGERS WHERE ${await exactly(connection, 'trigger_schema')} = ?
     UNION SELECT DEFINER FROM information_schema.EVENTS WHERE ${await exactly(connection, 'event_schema')} = ?`,
    Array.from({ length: 4 }, () => connection.address.database),
  );
  return rows.flatMap(({ definer }) => (definer ? [definer] : [])).toSorted();
}
