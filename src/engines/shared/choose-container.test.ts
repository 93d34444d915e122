import { describe, expect, test } from 'vitest';
import { isMysqlImage } from '../mysql/connect/image.ts';
import { isPostgresImage } from '../postgres/connect/image.ts';
import { chooseContainer, portInside, type RunningContainer } from './choose-container.ts';

function container(name: string, change: Partial<RunningContainer> = {}): RunningContainer {
  return { id: name.repeat(8), name, image: 'postgres:15', hosts: [], published: [], ...change };
}

const published = container('shop-db-1', { published: [{ inner: 5432, outer: 15_432 }], hosts: ['db', '172.18.0.2'] });
const other = container('blog-db-1', { published: [{ inner: 5432, outer: 25_432 }], hosts: ['db'] });
const web = container('web', { image: 'nginx', published: [{ inner: 80, outer: 8080 }] });

describe('T-08 which container the database runs in', () => {
  test.each([
    ['by its published port', [published, other, web], { host: 'localhost', port: 15_432 }, 'shop-db-1 by port'],
    ['by its address', [published, other, web], { host: '172.18.0.2', port: 5432 }, 'shop-db-1 by host'],
    ['by its name', [published, other, web], { host: 'blog-db-1', port: 5432 }, 'blog-db-1 by host'],
    ['by its compose service', [published, web], { host: 'db', port: 5432 }, 'shop-db-1 by host'],
    ['a service of two projects is nobody', [published, other], { host: 'db', port: 5432 }, 'none'],
    [
      'T-d3 the only one with a PostgreSQL image is a guess',
      [published, web],
      { host: 'localhost', port: 5432 },
      'shop-db-1 by image',
    ],
    ['two with a PostgreSQL image are nobody', [published, other, web], { host: 'localhost', port: 5432 }, 'none'],
    ['a server elsewhere is in no container here', [published, web], { host: 'db.example.com', port: 5432 }, 'none'],
    ['T-d1 nothing runs', [], { host: 'localhost', port: 5432 }, 'none'],
  ])('%s', (_title, running, server, expected) => {
    const choice = chooseContainer(running, server, isPostgresImage);
    expect(choice ? `${choice.container.name} by ${choice.foundBy}` : 'none').toBe(expected);
  });

  test('the port inside is the one behind the published one', () => {
    expect(portInside(published, { host: '127.0.0.1', port: 15_432 })).toBe(5432);
    expect(portInside(published, { host: 'db', port: 5432 })).toBe(5432);
    expect(portInside(container('odd'), { host: 'localhost', port: 5433 })).toBe(5433);
  });

  test.each([
    ['postgres', 'PostgreSQL'],
    ['postgres:15-alpine', 'PostgreSQL'],
    ['docker.io/library/postgres@sha256:abc', 'PostgreSQL'],
    ['registry:5000/team/postgres', 'PostgreSQL'],
    ['postgis/postgis:16-3.4', 'PostgreSQL'],
    ['timescale/timescaledb:latest-pg16', 'PostgreSQL'],
    ['pgvector/pgvector:pg17', 'PostgreSQL'],
    ['bitnami/postgresql:16', 'PostgreSQL'],
    ['mariadb:11', 'MySQL'],
    ['docker.io/library/mysql@sha256:abc', 'MySQL'],
    ['mysql/mysql-server:8.0', 'MySQL'],
    ['lscr.io/linuxserver/mariadb:10.11', 'MySQL'],
    ['bitnami/mariadb-galera', 'MySQL'],
    ['percona/percona-server:8.4', 'MySQL'],
    ['prometheuscommunity/postgres-exporter', 'none'],
    ['postgrest/postgrest', 'none'],
    ['postgres-backup', 'none'],
    ['prom/mysqld-exporter', 'none'],
    ['phpmyadmin', 'none'],
    ['databack/mysql-backup', 'none'],
  ])('T-d3 image %s', (image, expected) => {
    const only = [container('one', { image })];
    const server = { host: 'localhost', port: 1 };
    const guessed = (isImage: (name: string) => boolean) => chooseContainer(only, server, isImage) !== null;
    expect([guessed(isPostgresImage), guessed(isMysqlImage)]).toEqual([
      expected === 'PostgreSQL',
      expected === 'MySQL',
    ]);
  });
});
