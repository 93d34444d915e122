import { basename } from 'node:path';
import { z } from 'zod';
import { excludeProblem } from './thread/exclude.ts';

/** Also the name of the artifact: nothing in it means anything to a shell, a storage or a file system. */
const treeName = /^[a-z0-9][a-z0-9._-]{0,62}$/;

const treeSchema = z
  .strictObject({
    /** What it is called in commands and in the backup (`files/<name>.tar`); without it, the last part of the path. */
    name: z
      .string()
      .regex(treeName, 'small letters, digits, ".", "_" and "-", beginning with a letter or digit')
      .optional(),
    /** The folder. */
    path: z.string().min(1),
    /** What is left out, in the words of `.gitignore`: `cache/`, `*.tmp`, `/logs/**`, `!keep.tmp`. */
    exclude: z.array(z.string().check(checkExclude)).default([]),
    /** A missing folder or an unreadable file is a warning instead of the end of the backup. */
    optional: z.boolean().default(false),
  })
  .transform(({ name, ...tree }) => ({ name: name ?? nameOf(tree.path), ...tree }));

export const filesSchema = z.array(treeSchema).superRefine((trees, context) => {
  const seen = new Set<string>();
  for (const [at, { name }] of trees.entries()) {
    if (seen.has(name)) {
      context.addIssue({
        code: 'custom',
        path: [at, 'name'],
        message: `there is another tree called ${name}; give this one a name of its own`,
      });
    }
    seen.add(name);
  }
});

export type TreeOptions = z.output<typeof filesSchema>[number];

/** What a tree is told; `keepOut` comes from the configuration as a whole, not from the tree's own part of it. */
export interface TreeSettings extends TreeOptions {
  /** Absolute paths of what the program itself writes (local storages, state, scratch): never part of a tree. */
  keepOut?: readonly string[];
}

/** The last part of a path as a name: `/srv/My Uploads` becomes `my-uploads`. */
function nameOf(path: string): string {
  const plain = basename(path)
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll(/[\u0300-\u036F]/g, '')
    .replaceAll(/[^a-z0-9._-]+/g, '-')
    .replace(/^[^a-z0-9]+/, '')
    .replace(/[-.]+$/, '')
    .slice(0, 63);
  return plain === '' ? 'files' : plain;
}

function checkExclude(context: z.core.ParsePayload<string>): void {
  const problem = excludeProblem(context.value);
  if (problem !== null) context.issues.push({ code: 'custom', input: context.value, message: problem });
}
