/** The comment that tells a scratch database of ours from a database of the operator. */
export interface Mark {
  note: string;
  createdAt: string | null;
}

const prefix = 'holdfast scratch database: ';

export function writeMark({ note, createdAt }: Mark): string {
  return `${prefix}${JSON.stringify({ note, createdAt })}`;
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
