/** The comment, of a database or of a table in it, that tells a scratch database of ours from a database of the operator. */
export interface Mark {
  note: string;
  createdAt: string | null;
}

const prefix = 'holdfast scratch database: ';
/** MySQL takes 2048 characters for a table. */
const longest = 1500;

export function writeMark({ note, createdAt }: Mark): string {
  return `${prefix}${JSON.stringify({ note: note.slice(0, longest), createdAt })}`;
}

export function readMark(comment: string | null): Mark | null {
  if (!comment?.startsWith(prefix)) return null;
  try {
    const { note, createdAt } = JSON.parse(comment.slice(prefix.length)) as Partial<Mark>;
    return { note: String(note), createdAt: typeof createdAt === 'string' ? createdAt : null };
  } catch {
    return { note: comment.slice(prefix.length), createdAt: null };
  }
}
