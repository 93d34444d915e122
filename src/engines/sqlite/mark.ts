import { readFile, rm, writeFile } from 'node:fs/promises';

/** The small file beside a scratch database of ours that tells it from a database of the operator. */
export interface Mark {
  note: string;
  createdAt: string | null;
}

export const markEnding = '.holdfast-scratch';

export async function writeMark(database: string, mark: Mark): Promise<void> {
  await writeFile(database + markEnding, `${JSON.stringify(mark)}\n`, { mode: 0o600, flag: 'wx' });
}

export async function readMark(database: string): Promise<Mark | null> {
  let text: string;
  try {
    text = await readFile(database + markEnding, 'utf8');
  } catch {
    return null;
  }
  try {
    const { note, createdAt } = JSON.parse(text) as Partial<Mark>;
    return { note: String(note), createdAt: typeof createdAt === 'string' ? createdAt : null };
  } catch {
    return { note: 'unreadable', createdAt: null };
  }
}

export async function removeMark(database: string): Promise<void> {
  await rm(database + markEnding, { force: true });
}
