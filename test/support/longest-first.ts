import { relative } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * The long files begin first: one that begins last is waited for alone. A machine that ran them before knows them from then; a new
 * one would go by the size of the files, which says nothing.
 */
const longest = [
  'test/scenarios/versions.test.ts',
  'test/scenarios/engines.test.ts',
  'test/integration/demo.test.ts',
  'test/integration/storage-s3.test.ts',
  'test/integration/console-pages.test.ts',
  'test/integration/console.test.ts',
  'test/scenarios/shapes.test.ts',
  'test/scenarios/encryption.test.ts',
  'test/scenarios/shared-objects.test.ts',
  'test/scenarios/damaged-restore.test.ts',
  'test/integration/shared-objects-killed.test.ts',
  'test/integration/presets.test.ts',
  'test/scenarios/s3-backup.test.ts',
  'test/scenarios/names.test.ts',
  'test/integration/http-server.test.ts',
  'test/integration/postgres-load.test.ts',
  'test/integration/postgres-load-around.test.ts',
  'test/integration/cli-user.test.ts',
  'test/scenarios/interrupted-backup.test.ts',
  'test/scenarios/killed-backup.test.ts',
  'test/scenarios/server-restarted.test.ts',
  'test/integration/postgres-beside-dumps.test.ts',
  'test/integration/api-isolation.test.ts',
  'test/integration/check.test.ts',
  'test/scenarios/copies.test.ts',
  'test/integration/sqlite-restore.test.ts',
  'test/integration/sqlite-held.test.ts',
  'test/integration/files-save.test.ts',
  'test/scenarios/recover-from-nothing.test.ts',
  'test/scenarios/alerts.test.ts',
  'test/scenarios/memory.test.ts',
  'test/integration/check-daemon.test.ts',
  'test/scenarios/damage.test.ts',
  'test/scenarios/import.test.ts',
  'test/integration/cli-bad-input.test.ts',
  'test/integration/nocobase-restore.test.ts',
  'test/scenarios/serve.test.ts',
  'test/integration/serve-full-disk.test.ts',
  'test/scenarios/swap.test.ts',
  'test/integration/package.test.ts',
];

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const known = files.every((file) => this.ctx.cache.getTestSpecificationResult(file) !== undefined);
    return known ? sorted : sorted.toSorted((one, other) => this.#rank(one) - this.#rank(other));
  }

  #rank({ moduleId }: TestSpecification): number {
    const at = longest.indexOf(relative(this.ctx.config.root, moduleId));
    return at === -1 ? longest.length : at;
  }
}
