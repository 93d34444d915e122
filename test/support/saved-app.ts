import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { App, Around, Saved, Saving } from '../../src/apps/app.ts';

/** What an application gave, kept in memory as an archive would keep it. */
export interface KeptApp {
  saved: Saved;
  contents: Map<string, Buffer>;
  warnings: string[];
}

/** `between`: called before each part is read. */
export async function keepApp(
  app: App,
  around: Around,
  between: (part: string) => Promise<void> = async () => undefined,
): Promise<KeptApp> {
  const { signal } = new AbortController();
  await using saving: Saving = await app.open(around, signal);
  const contents = new Map<string, Buffer>();
  for await (const part of saving.parts(signal)) {
    await between(part.name);
    contents.set(part.name, await buffer(part.open(signal)));
  }
  const facts: unknown = JSON.parse(JSON.stringify(saving.facts()));
  return { saved: savedOf({ ...(facts as object) }, contents), contents, warnings: saving.warnings };
}

export function savedOf(facts: Record<string, unknown>, contents: ReadonlyMap<string, Buffer>): Saved {
  return {
    facts,
    parts: [...contents].map(([name, { length }]) => ({ name, rawBytes: length, bytes: length })),
    open: async (name) => {
      const content = contents.get(name);
      if (!content) throw new Error(`there is no part ${name}`);
      // In pieces, as a storage gives them.
      const pieces = [];
      for (let at = 0; at < content.length; at += 65_536) pieces.push(content.subarray(at, at + 65_536));
      return Readable.from(pieces);
    },
  };
}
