import { z } from 'zod';
import { HoldfastError } from '../../base/errors.ts';

/** What the manifest says of a tree: enough to tell whether it is the same, nothing that grows with it. */
export const treeFactsSchema = z.object({
  name: z.string(),
  path: z.string(),
  files: z.number().int().nonnegative(),
  folders: z.number().int().nonnegative(),
  /** Symbolic links, and further names of a file. */
  links: z.number().int().nonnegative(),
  /** Of all files, holes included. */
  bytes: z.number().int().nonnegative(),
  /** What they take on a disk, holes left out and each rounded up to a block. */
  diskBytes: z.number().int().nonnegative(),
  /** Were written to while they were read: what is stored may be half old and half new. */
  changed: z.number().int().nonnegative(),
  vanished: z.number().int().nonnegative(),
  /** Sockets, named pipes, devices. */
  skipped: z.number().int().nonnegative(),
  /** Only where the tree is optional; otherwise there would be no backup. */
  unreadable: z.number().int().nonnegative(),
  digest: z.string(),
  /** Where the disk was mounted that it lay on; null: that of the system. Earlier backups do not say. */
  mount: z.string().nullable().optional(),
  /** Of a tree that was cut into several tars: how many, and how long one was to be. Absent: it is one tar. */
  parts: z.number().int().positive().max(10_000_000).optional(),
  cut: z.number().int().positive().optional(),
});

export type TreeFacts = z.output<typeof treeFactsSchema>;

/** What `Saving.facts` gave for the manifest. */
export const factsSchema = z.object({ trees: z.array(treeFactsSchema) });

export function treesIn(facts: Record<string, unknown>): TreeFacts[] {
  const parsed = factsSchema.safeParse(facts);
  if (parsed.success) return parsed.data.trees;
  throw new HoldfastError('FILES_FACTS', 'what the manifest says of the file trees cannot be read', {
    kind: 'integrity',
    cause: parsed.error,
    hint: 'Use another copy or another backup; the tars themselves open with stock tar.',
  });
}
