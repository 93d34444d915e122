import { describe, expect, test } from 'vitest';
import { chooseContainer, isPostgresImage, postgresPort, type RunningContainer } from './choose-container.ts';

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
    const choice = chooseContainer(running, server);
    expect(choice ? `${choice.container.name} by ${choice.foundBy}` : 'none').toBe(expected);
  });

  test('the port inside is the one behind the published one', () => {
    expect(postgresPort(published, { host: '127.0.0.1', port: 15_432 })).toBe(5432);
    expect(postgresPort(published, { host: 'db', port: 5432 })).toBe(5432);
    expect(postgresPort(container('odd'), { host: 'localhost', port: 5433 })).toBe(5433);
  });

  test.each([
    ['postgres', true],
    ['postgres:15-alpine', true],
    ['docker.io/library/postgres@sha256:abc', true],
    ['registry:5000/team/postgres', true],
    ['postgis/postgis:16-3.4', true],
    ['timescale/timescaledb:latest-pg16', true],
    ['pgvector/pgvector:pg17', true],
    ['bitnami/postgresql:16', true],
    ['prometheuscommunity/postgres-exporter', false],
    ['postgrest/postgrest', false],
    ['postgres-backup', false],
  ])('T-d3 image %s', (image, expected) => expect(isPostgresImage(image)).toBe(expected));
});
