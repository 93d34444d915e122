import { lstatSync, readdirSync, rmSync } from 'node:fs';
import { toPath } from '../tar/member.ts';
import { holdsMount } from '../mounts.ts';

/** Removes a tree, but nothing of it where a part lies on another file system: that part was never ours to remove. */
export function removeHere(path: string): void {
  const root = lstatSync(toPath(path), { throwIfNoEntry: false });
  if (!root) return;
  if (root.isDirectory()) refuseOther(path, root.dev);
  rmSync(toPath(path), { recursive: true, force: true });
}

function refuseOther(root: string, device: number): void {
  const folders = [root];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for (const entry of readdirSync(toPath(folder), { encoding: 'latin1', withFileTypes: true })) {
      // Some file systems do not tell the kind with the name.
      if (entry.isFile() || entry.isSymbolicLink()) continue;
      const path = `${folder}/${entry.name}`;
      const stats = lstatSync(toPath(path));
      if (stats.isDirectory() && stats.dev !== device) {
        throw holdsMount(Buffer.from(root, 'latin1').toString(), Buffer.from(path, 'latin1').toString());
      }
      if (stats.isDirectory()) folders.push(path);
    }
  }
}
