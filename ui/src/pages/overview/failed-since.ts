import type { SourceView } from '../../../../src/api/contract.ts';

/** Which sources are not as the last look found them: a look is some minutes old, and a run or a verification fails in between. */
export function failedSince(looked: string, sources: readonly SourceView[]): string[] {
  const isNews = ({ damaged, failed }: SourceView) => damaged > 0 || (failed?.finishedAt ?? '') > looked;
  return sources.filter(isNews).map(({ name }) => name);
}
