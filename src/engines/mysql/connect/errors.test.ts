import { describe, expect, it } from 'vitest';
import { HoldfastError } from '../../../base/errors.ts';
import { failedProcess } from '../../../base/tool-failure.ts';
import { driverError, toolError, withoutValues } from './errors.ts';

const at = { host: 'db', port: 3306, socket: null, user: 'me', database: 'shop', connectTimeoutMs: 10_000 };

describe('what a client tool says', () => {
  it.each([
    [
      "mariadb-dump: Got error: 1045: \"Access denied for user 'me'@'h' (using password: YES)\" when trying to connect",
      'DATABASE_LOGIN_FAILED',
    ],
    [
      "mariadb-dump: Got error: 2003: \"Can't connect to server on 'db' (111)\" when trying to connect",
      'DATABASE_UNREACHABLE',
    ],
    ["mysqldump: Got error: 1049: Unknown database 'shop' when selecting the database", 'DATABASE_MISSING'],
    [
      'mariadb-dump: Error 1412: Table definition has changed, please retry transaction when dumping table `t` at row: 0',
      'DATABASE_CHANGED',
    ],
    [
      'mariadb-dump: Error 2013: Lost connection to server during query when dumping table `t` at row: 7',
      'DATABASE_CONNECTION_LOST',
    ],
    ["mariadb-dump: Couldn't execute 'show create table `t`': Table 'shop.t' doesn't exist (1146)", 'DATABASE_CHANGED'],
    [
      "mariadb-dump: Couldn't execute 'SHOW CREATE FUNCTION `f`': SHOW command denied to user 'me'@'h' (1142)",
      'DATABASE_NO_PRIVILEGE',
    ],
    [
      'ERROR 1227 (42000) at line 9: Access denied; you need (at least one of) the SUPER, SET USER privilege(s) for this operation',
      'DEFINER_NOT_ALLOWED',
    ],
    ["ERROR 1273 (HY000) at line 3: Unknown collation: 'utf8mb4_0900_ai_ci'", 'LOCALE_MISSING'],
    ["ERROR 1153 (08S01) at line 3: Got a packet bigger than 'max_allowed_packet' bytes", 'DATABASE_VALUE_TOO_LARGE'],
    ['mariadb-dump: Got errno 28 on write', 'DISK_FULL'],
    [
      'ERROR 1005 (HY000) at line 9: Can\'t create table `shop`.`t` (errno: 135 "No more room in record file")',
      'DATABASE_DISK_FULL',
    ],
    ["ERROR 3185 (HY000) at line 9: Create table/tablespace 't' failed, as disk is full", 'DATABASE_DISK_FULL'],
    ['something nobody knows', 'TOOL_FAILED'],
  ])('%s', (stderr, code) => {
    const failure = failedProcess('/usr/bin/mariadb-dump', { status: 2, signal: null, stderr: `${stderr}\n` });
    expect(toolError(failure, at)).toMatchObject({ code });
  });

  it('names no value of a row, in no cause either', () => {
    const stderr = `--------------\nINSERT INTO t VALUES ('hidden-row')\n--------------\n\nERROR 1062 (23000) at line 3: Duplicate entry 'hidden-row' for key 'PRIMARY'\n`;
    const failure = failedProcess('mariadb', { status: 1, signal: null, stderr });
    for (let error: unknown = toolError(failure, at); error instanceof HoldfastError; error = error.cause) {
      expect(JSON.stringify([error.message, error.details])).not.toContain('hidden-row');
    }
  });
});

describe('what the driver throws', () => {
  it.each([
    [{ errno: 1045, code: 'ER_ACCESS_DENIED_ERROR', message: 'Access denied' }, 'DATABASE_LOGIN_FAILED'],
    [
      { errno: 3, message: `Error writing file './shop/t.TRG~' (Errcode: 28 "No space left on device")` },
      'DATABASE_DISK_FULL',
    ],
    [{ errno: -111, code: 'ECONNREFUSED', message: 'connect ECONNREFUSED' }, 'DATABASE_UNREACHABLE'],
    [
      { code: 'HANDSHAKE_NO_SSL_SUPPORT', message: 'Server does not support secure connection' },
      'DATABASE_TLS_REFUSED',
    ],
    [{ code: 'PROTOCOL_CONNECTION_LOST', message: 'Connection lost' }, 'DATABASE_CONNECTION_LOST'],
    [{ errno: 1205, code: 'ER_LOCK_WAIT_TIMEOUT', message: 'Lock wait timeout exceeded' }, 'DATABASE_LOCKED'],
    [{ errno: 3024, message: 'Query execution was interrupted' }, 'DATABASE_TIMEOUT'],
  ])('%j', (facts, code) => {
    expect(driverError(Object.assign(new Error(facts.message), facts), at)).toMatchObject({ code });
  });

  it.each([
    [1118, 'Row size too large (> 8126)'],
    [1031, "Table storage engine for 'odd' doesn't have this option"],
    [3750, 'Unable to create or change a table without a primary key'],
    [6125, "Failed to add the foreign key constraint. Missing unique key for constraint 'x'"],
  ])('%i is a rule for new tables, which can be switched off', (errno, message) => {
    expect(driverError(Object.assign(new Error(message), { errno }), at)).toMatchObject({
      code: 'DATABASE_FAILED',
      hint: expect.stringContaining('innodb_strict_mode'),
    });
  });

  it.each([
    ["Duplicate entry 'a' b' for key 'x'", "Duplicate entry '…' for key 'x'"],
    [
      "Incorrect integer value: 'secret' for column `t`.`a` at row 1",
      "Incorrect integer value: '…' for column `t`.`a` at row 1",
    ],
    ["Unknown database 'shop'", "Unknown database 'shop'"],
    ["You have an error near 'values (1)' at line 1", "You have an error near '…' at line 1"],
  ])('%s', (message, cleaned) => {
    expect(withoutValues(message)).toBe(cleaned);
  });
});
