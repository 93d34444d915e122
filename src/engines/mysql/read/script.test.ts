import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rewriteScript, type ScriptRules } from './script.ts';
import { splitTables, type Piece } from '../dump/split-tables.ts';
import { withoutDatabase } from '../look/trigger-text.ts';

const rules = (more: Partial<ScriptRules> = {}): ScriptRules => ({
  into: 'copy',
  definer: () => 'CURRENT_USER',
  onDefiner: () => undefined,
  onEvent: () => undefined,
  onOwnName: () => undefined,
  onRows: () => undefined,
  onReplication: () => undefined,
  keepsKey: () => true,
  ...more,
});

async function* inPieces(text: string, size: number): AsyncIterable<Buffer> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function rewritten(text: string, more: Partial<ScriptRules> = {}, size = 7): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of rewriteScript(inPieces(text, size), rules(more))) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}

const head = '-- MariaDB dump 10.19\n--\n-- Host: 127.0.0.1    Database: shop\n';

describe('the script of a dump on its way into a database', () => {
  it.each([
    ['NO_AUTO_VALUE_ON_ZERO', 'NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES'],
    ['', 'ALLOW_INVALID_DATES'],
  ])('lets days be stored that no calendar has, where the mode is %j', async (before, after) => {
    const set = (modes: string) => `/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='${modes}' */;\n`;
    const rest = `/*!40101 SET SQL_MODE=@OLD_SQL_MODE */;\nINSERT INTO \`t\` VALUES\n("${set('').trim()}");\n`;
    expect(await rewritten(head + set(before) + rest)).toBe(head + set(after) + rest);
  });

  it('leaves out what it says of replication, on as many lines as that takes, and nothing else', async () => {
    let told = 0;
    const text = `${head}SET @MYSQLDUMP_TEMP_LOG_BIN = @@SESSION.SQL_LOG_BIN;
SET @@SESSION.SQL_LOG_BIN= 0;
SET @@GLOBAL.GTID_PURGED=/*!80000 '+'*/ '3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5,
7e11fa47-71ca-11e1-9e33-c80aa9429562:1-77';
CREATE TABLE \`t\` (id INT);
INSERT INTO \`t\` VALUES
('SET @@SESSION.SQL_LOG_BIN= 0;');
SET @@SESSION.SQL_LOG_BIN = @MYSQLDUMP_TEMP_LOG_BIN;
-- Dump completed
`;
    const onReplication = () => {
      told += 1;
    };
    expect(await rewritten(text, { onReplication })).toBe(
      `${head}CREATE TABLE \`t\` (id INT);\nINSERT INTO \`t\` VALUES\n('SET @@SESSION.SQL_LOG_BIN= 0;');\n-- Dump completed\n`,
    );
    expect(told).toBeGreaterThan(0);
  });

  it.each([
    "SET @@GLOBAL.GTID_PURGED='3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5'; DROP TABLE `t`;\n",
    "SET @@GLOBAL.GTID_PURGED='' -- nothing\n;\n",
    'SET @@SESSION.SQL_LOG_BIN= 0 -- and then\nCREATE TABLE `t` (id INT);\n',
  ])('what only begins like it passes, and so does everything behind it: %j', async (text) => {
    expect(await rewritten(`${head}${text}CREATE TABLE \`u\` (id INT);\n`)).toBe(
      `${head}${text}CREATE TABLE \`u\` (id INT);\n`,
    );
  });

  it('a list of transactions that breaks off takes nothing else with it', async () => {
    const text =
      "SET @@GLOBAL.GTID_PURGED=/*!80000 '+'*/ '3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5,\nCREATE TABLE `u` (id INT);\n";
    expect(await rewritten(`${head}${text}`)).toBe(`${head}CREATE TABLE \`u\` (id INT);\n`);
  });

  it('puts views after those they read, and loses nothing, wherever the pieces break', async () => {
    const view = (name: string, reads: string) => `--
-- Final view structure for view \`${name.replaceAll('\n', '\n-- ')}\`
--

/*!50001 DROP VIEW IF EXISTS \`${name}\`*/;
/*!50001 CREATE ALGORITHM=UNDEFINED */
/*!50013 DEFINER=\`a\`@\`b\` SQL SECURITY DEFINER */
/*!50001 VIEW \`${name}\` AS select 'from \`later\`' AS \`b\` from ${reads} */
/*!50002 WITH CASCADED CHECK OPTION */;
`;
    const end = '/*!40103 SET TIME_ZONE=@OLD_TIME_ZONE */;\n\n-- Dump completed\n';
    const odd = 'o\n--\nd;d\n\nd';
    const views = {
      a: view('a', '(`shop`.`b` `x` left join `later` on(1 = 1))'),
      b: view('b', `\`${odd}\``),
      later: view('later', '`elsewhere`.`a`'),
      odd: view(odd, '`t`'),
    };
    const order = async (text: string, size: number) =>
      [...(await rewritten(`${head}${text}`, {}, size)).matchAll(/^\/\*!50001 VIEW `([^`]*)/gm)].map(
        ([, name]) => name,
      );
    for (const size of [1, 7, 64, 100_000]) {
      expect(await order(`${views.a}${views.b}${views.later}${views.odd}${end}`, size)).toEqual([
        odd,
        'b',
        'later',
        'a',
      ]);
      expect(await order(`${views.a}${views.a}${views.b}`, size)).toEqual(['b', 'a', 'a']);
      const whole = `${head}${views.a}${views.b}INSERT INTO \`a\` VALUES\n(1);\n${views.later}${end}`;
      const lines = (text: string) =>
        text
          .replaceAll(/DEFINER=\S+ /g, '')
          .replaceAll('`shop`', '`copy`')
          .split('\n');
      const result = await rewritten(whole, {}, size);
      expect(lines(result).toSorted()).toEqual(lines(whole).toSorted());
      expect(result.indexOf('INSERT')).toBeGreaterThan(result.indexOf('VIEW `a`'));
      expect(result.endsWith(end)).toBe(true);
    }
  });

  it('changes definers where objects are made, and nowhere else', async () => {
    const seen: string[] = [];
    const text = `${head}INSERT INTO \`t\` VALUES
(1,'DEFINER=\`a\`@\`b\` \\'; USE x'),
(2,'/*!50013 DEFINER=\`a\`@\`b\` SQL SECURITY DEFINER */');
/*!50001 CREATE ALGORITHM=UNDEFINED */
/*!50013 DEFINER=\`ro ot\`@\`local\`\`host\` SQL SECURITY DEFINER */
/*!50001 VIEW \`v\` AS select '\`shop\`.' AS \`shop\`,\`shop\`.\`t\`.\`id\` AS \`id\` from \`shop\`.\`t\` */;
DELIMITER ;;
/*!50003 CREATE*/ /*!50017 DEFINER=\`a\`@\`b\`*/ /*!50003 trigger shop.tr before insert on shop.t for each row set @x = 'DEFINER=\`a\`@\`b\`'
*/;;
DELIMITER ;
DELIMITER ;;
CREATE DEFINER=\`a\`@\`b\` PROCEDURE \`p\`()
INSERT INTO \`t\` VALUES
(1); CREATE DEFINER=\`a\`@\`b\` PROCEDURE \`inner\`() SELECT 1
;;
DELIMITER ;
`;
    const result = await rewritten(text, { onDefiner: (account, object) => seen.push(`${account}: ${object}`) });
    expect(seen).toEqual(['ro ot@local`host: a view', 'a@b: trigger shop.tr', 'a@b: procedure p']);
    expect(result).toContain(
      `(1,'DEFINER=\`a\`@\`b\` \\'; USE x'),\n(2,'/*!50013 DEFINER=\`a\`@\`b\` SQL SECURITY DEFINER */');`,
    );
    expect(result).toContain('/*!50013 DEFINER=CURRENT_USER SQL SECURITY DEFINER */');
    expect(result).toContain(
      `VIEW \`v\` AS select '\`shop\`.' AS \`shop\`,\`copy\`.\`t\`.\`id\` AS \`id\` from \`copy\`.\`t\` */;`,
    );
    expect(result).toContain('DEFINER=CURRENT_USER*/ /*!50003 trigger tr before insert on t for each row');
    expect(result).toContain("set @x = 'DEFINER=`a`@`b`'");
    expect(result).toContain('(1); CREATE DEFINER=`a`@`b` PROCEDURE `inner`');
  });

  it.each([3, 7, 4096])('parts the end of a statement from the comment before it, in pieces of %i', async (size) => {
    const set = '/*!50003 SET sql_mode              = @saved_sql_mode */ ;\n';
    const text = (gap: string) => `${head}DELIMITER ;;
CREATE FUNCTION \`f\`() RETURNS int
RETURN 1 -- as agreed /* in May */${gap || ' '};;
DELIMITER ;
${set}DELIMITER ;;
CREATE PROCEDURE \`p\`()
BEGIN
  -- not the end;;
  SELECT '#', "-- " ; -- nor this ;;

END ;;
DELIMITER ;
${set}DELIMITER ;;
/*!50003 CREATE*/ /*!50003 TRIGGER \`tr\` BEFORE INSERT ON \`t\` FOR EACH ROW SET @x = 1 # why${gap || ' '}*/;;
DELIMITER ;
DELIMITER ;;
/*!50003 SET sql_mode              = '' */ ;;
/*!50106 CREATE*/ /*!50106 EVENT \`e\` ON SCHEDULE EVERY 1 HOUR DO delete from t -- daily${gap || ' '}*/ ;;
/*!50003 SET time_zone             = @saved_time_zone */ ;;
DELIMITER ;
`;
    expect(await rewritten(text(''), {}, size)).toBe(text('\n'));
    expect(await rewritten(text('\n'), {}, size)).toBe(text('\n'));
    const brokenOff = `${head}DELIMITER ;;\nCREATE PROCEDURE \`p\`()\nSELECT 1 -- x ;;\n`;
    expect(await rewritten(brokenOff, {}, size)).toBe(brokenOff);
  });

  it.each([3, 4096])(
    'leaves out foreign keys into other databases where nobody wants them, in pieces of %i',
    async (size) => {
      const table = (name: string, ...lines: string[]) =>
        `CREATE TABLE \`${name}\` (\n${lines.map((line) => `  ${line}`).join(',\n')}\n) ENGINE=InnoDB;\n`;
      const id = "`id` int NOT NULL COMMENT 'CONSTRAINT `x` FOREIGN KEY (`a`) REFERENCES `o`.`p` (`id`)'";
      const own = 'CONSTRAINT `a` FOREIGN KEY (`a`) REFERENCES `mine` (`id`) ON DELETE CASCADE';
      const first = 'CONSTRAINT `b``b` FOREIGN KEY (`a`, `b`) REFERENCES `ö.x`.`p``p` (`id`, `id2`) ON DELETE SET NULL';
      const second = 'CONSTRAINT `c` FOREIGN KEY (`a`) REFERENCES `other`.`q` (`id`)';
      const check = 'CONSTRAINT `d` CHECK (`a` > 1)';
      const rest = "INSERT INTO `t` VALUES\n(1,'x');\n-- Dump completed\n";
      const text = (...some: string[][]) => head + some.map((lines, at) => table(`t${at}`, ...lines)).join('') + rest;
      const all = text([id, own, first, second], [id, first, check], [id, second, own, first], [id]);
      const seen: string[] = [];
      const keepsKey = (key: { table: string; database: string; parent: string }) => {
        seen.push(`${key.table}: ${key.database} / ${key.parent}`);
        return false;
      };
      expect(await rewritten(all, { keepsKey }, size)).toBe(text([id, own], [id, check], [id, own], [id]));
      expect(seen).toEqual(['t0: ö.x / p`p', 't0: other / q', 't1: ö.x / p`p', 't2: other / q', 't2: ö.x / p`p']);
      expect(await rewritten(all, {}, size)).toBe(all);
      const brokenOff = `${head}CREATE TABLE \`t\` (\n  ${own},\n`;
      expect(await rewritten(brokenOff, { keepsKey }, size)).toBe(brokenOff);
    },
  );

  it('switches events off, and tells whose text names the database it comes from', async () => {
    const events: string[] = [];
    const named: string[] = [];
    const text = `${head}DELIMITER ;;
/*!50106 CREATE*/ /*!50117 DEFINER=\`a\`@\`b\`*/ /*!50106 EVENT \`e\` ON SCHEDULE EVERY 1 HOUR STARTS '2026-11-21 11:44:48' ON COMPLETION NOT PRESERVE ENABLE DO delete from shop.child where x = ' ON COMPLETION PRESERVE ENABLE'
*/ ;;
DELIMITER ;
`;
    const result = await rewritten(text, {
      onEvent: (name) => events.push(name),
      onOwnName: (object) => named.push(object),
    });
    expect(result).toContain('ON COMPLETION NOT PRESERVE DISABLE ON SLAVE DO delete');
    expect(result).toContain("' ON COMPLETION PRESERVE ENABLE'");
    expect(events).toEqual(['e']);
    expect(named).toEqual(['event e']);
  });

  it('knows a statement that was written on several lines, whatever its names are quoted with', async () => {
    const seen: string[] = [];
    const events: string[] = [];
    const named: string[] = [];
    const text = `${head}DELIMITER ;;
/*!50003 SET sql_mode              = 'ANSI_QUOTES' */ ;;
/*!50003 CREATE*/ /*!50017 DEFINER="a""a"@"b"*/ /*!50003 trigger shop . "the ""first"" one"

  before insert -- on its own
on "shop".t for each row set @x = 1;
x
*/;;
DELIMITER ;
DELIMITER ;;
CREATE DEFINER="a"@"b" PROCEDURE "p"()
call "shop".q()
;;
DELIMITER ;
DELIMITER ;;
CREATE DEFINER="a"@"b" PACKAGE BODY "two words" AS
END ;;
DELIMITER ;
DELIMITER ;;
/*!50106 CREATE*/ /*!50117 DEFINER=\`a\`@\`b\`*/ /*!50106 EVENT \`two
lines\` ON SCHEDULE EVERY 1 DAY ON COMPLETION NOT PRESERVE ENABLE DO
delete from t */ ;;
DELIMITER ;
-- Dump completed
`;
    const expected = text
      .replaceAll(/DEFINER=\S+@(?:"b"|`b`)/g, 'DEFINER=CURRENT_USER')
      .replace('shop . "the', '"the')
      .replace('"shop".t', 't')
      .replace('ENABLE', 'DISABLE ON SLAVE');
    for (const size of [1, 7, 100_000]) {
      const onEvent = (name: string) => events.push(name);
      const onDefiner = (account: string, object: string) => seen.push(`${account}: ${object}`);
      expect(await rewritten(text, { onDefiner, onEvent, onOwnName: (each) => named.push(each) }, size)).toBe(expected);
      expect(seen.splice(0)).toEqual([
        'a"a@b: trigger shop',
        'a@b: procedure p',
        'a@b: package body two words',
        'a@b: event two\nlines',
      ]);
      expect(events.splice(0)).toEqual(['two\nlines']);
      expect(named.splice(0)).toEqual(['procedure p']);
    }
  });

  it.each([
    'USE `x`;',
    'CREATE DATABASE `x`;',
    '/*!40000 DROP DATABASE IF EXISTS `x`*/;',
    '  use x;',
    'CREATE OR REPLACE DATABASE x;',
    'DROP  SCHEMA x;',
    '/*!DROP DATABASE x*/;',
    '/*M!100100 DROP DATABASE x*/;',
    '/* first */ DROP DATABASE x;',
    "SET @a = ';'; DROP DATABASE x;",
    'INSERT INTO `shop`.`t` VALUES (1);',
    'INSERT INTO `shop` . `t` VALUES\n(1);',
    'insert ignore into shop.t values (1);',
    'REPLACE INTO "shop"."t" VALUES (1);',
    'DROP TABLE IF EXISTS `shop`.`t`;',
    'CREATE TABLE IF NOT EXISTS shop.t (',
    'TRUNCATE shop.t;',
    'DELETE FROM `shop`.t;',
    'ALTER TABLE shop.t ADD COLUMN a INT;',
    'DELIMITER //\nDROP DATABASE x//\nDELIMITER ;',
  ])('refuses %s', async (line) => {
    for (const size of [1, 100_000])
      await expect(rewritten(`${head}${line}\n`, {}, size)).rejects.toMatchObject({ code: 'SCRIPT_NAMES_DATABASE' });
  });

  it.each([
    "INSERT INTO `a.b` VALUES\n('x.y; DROP DATABASE z');",
    "INSERT INTO `t` VALUES ('`shop`.`t`');",
    'insert into t values (1.5, "USE x; DROP DATABASE y");',
    'INSERT INTO `copy`.`t` VALUES (1);',
    "SELECT 'a; USE b';",
    'CREATE TABLE `used` (\n  `use` int,\n  `x` int CHECK (`t`.`x` > 0)\n);',
    '-- USE x;',
    'DROP TABLE IF EXISTS `t`;\nUPDATE t SET a = b.c;',
  ])('passes %s', async (line) => {
    for (const size of [1, 100_000]) expect(await rewritten(`${line}\n`, { into: 'copy' }, size)).toBe(`${line}\n`);
  });

  it('drops the line that only MariaDB’s newer clients know, and passes the rest byte for byte however it is cut', async () => {
    const text = `/*M!999999\\- enable the sandbox mode */ \n${head}CREATE TABLE \`ü\` (\n  \`a\` int\n);\nINSERT INTO \`ü\` VALUES\n('a;b\\n;'),\n('😀');\n-- Dump completed\n`;
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: text.length }), async (size) => {
        expect(await rewritten(text, {}, size)).toBe(text.slice(text.indexOf('\n') + 1));
      }),
    );
  });

  it('a script with the line ends of Windows is changed and refused as any other, also behind its first rows', async () => {
    const events: string[] = [];
    const text = `${head}INSERT INTO \`t\` VALUES\n(1,'; DEFINER=\`a\`@\`b\`');
/*!50001 CREATE ALGORITHM=UNDEFINED */
/*!50013 DEFINER=\`a\`@\`b\` SQL SECURITY DEFINER */
/*!50001 VIEW \`v\` AS select 1 from \`shop\`.\`t\` */;
INSERT INTO \`t\` VALUES\n(2);
DELIMITER ;;
/*!50106 CREATE*/ /*!50117 DEFINER=\`a\`@\`b\`*/ /*!50106 EVENT \`e\` ON SCHEDULE EVERY 1 DAY ON COMPLETION NOT PRESERVE ENABLE DO delete from t */ ;;
DELIMITER ;
`;
    const windows = (some: string) => some.replaceAll('\n', '\r\n');
    for (const size of [1, 7, 100_000]) {
      const onEvent = (name: string) => events.push(name);
      expect(await rewritten(windows(text), { onEvent }, size)).toBe(windows(await rewritten(text, {}, size)));
      await expect(rewritten(windows(`${text}USE \`x\`;\n`), {}, size)).rejects.toMatchObject({
        code: 'SCRIPT_NAMES_DATABASE',
      });
    }
    expect(events).toEqual(['e', 'e', 'e']);
  });

  it('knows how long a statement with rows is', async () => {
    let longest = 0;
    const onRows = (bytes: number) => {
      longest = Math.max(longest, bytes);
    };
    const statement = `INSERT INTO \`t\` VALUES\n('${'x'.repeat(5000)}');`;
    await rewritten(`${head}${statement}\nINSERT INTO \`t\` VALUES (1);\n`, { onRows }, 64);
    expect(longest).toBe(statement.length);
  });
});

describe('the script of several tables', () => {
  it('comes apart at every table however it is cut, each with the settings before it', async () => {
    const table = (name: string) =>
      `\n--\n-- Table structure for table \`${name}\`\n--\n\nCREATE TABLE \`${name}\` (a int);\nINSERT INTO \`${name}\` VALUES ('\\n--\\n-- Table structure for table');\n`;
    const text = `${head}SET X;\n${table('a')}${table('b')}${table('c')}\n/*!40103 SET TIME_ZONE=@OLD_TIME_ZONE */;\n\n-- Dump completed\n`;
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: text.length }), async (size) => {
        const files: string[] = [];
        const parted = splitTables();
        const add = (pieces: readonly Piece[]) => {
          for (const piece of pieces) {
            if (piece.kind === 'table') files.push('');
            else files.push((files.pop() ?? '') + piece.bytes.toString());
          }
        };
        for await (const chunk of inPieces(text, size)) add(parted.take(chunk));
        add(parted.end());
        expect(files).toEqual(['a', 'b', 'c'].map((name) => `${head}SET X;\n${table(name)}`));
      }),
    );
  });
});

describe('the statement of a trigger', () => {
  it.each([
    [
      'CREATE DEFINER=`a`@`b` trigger shop.tr after insert on shop.t for each row set @a = shop.f()',
      'CREATE DEFINER=`a`@`b` trigger tr after insert on t for each row set @a = shop.f()',
    ],
    [
      'CREATE TRIGGER `shop`.`tr` BEFORE UPDATE ON `shop`.`t` FOR EACH ROW BEGIN END',
      'CREATE TRIGGER `tr` BEFORE UPDATE ON `t` FOR EACH ROW BEGIN END',
    ],
    [
      'CREATE DEFINER="a"@"b" TRIGGER IF NOT EXISTS "shop"."t r"\n/* of shop.t */\nBEFORE INSERT -- now\n ON Shop . "t" FOR EACH ROW SET @a = "shop".f()',
      'CREATE DEFINER="a"@"b" TRIGGER IF NOT EXISTS "t r"\n/* of shop.t */\nBEFORE INSERT -- now\n ON "t" FOR EACH ROW SET @a = "shop".f()',
    ],
    [
      'CREATE TRIGGER tr BEFORE DELETE ON t FOR EACH ROW BEGIN END',
      'CREATE TRIGGER tr BEFORE DELETE ON t FOR EACH ROW BEGIN END',
    ],
    [
      'CREATE TRIGGER other.tr BEFORE DELETE ON other.t FOR EACH ROW BEGIN END',
      'CREATE TRIGGER other.tr BEFORE DELETE ON other.t FOR EACH ROW BEGIN END',
    ],
  ])('%s', (statement, expected) => {
    expect(withoutDatabase(statement, 'shop')).toBe(expected);
  });
});
