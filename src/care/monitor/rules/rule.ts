import type { Finding } from '../../alerts/finding.ts';
import type { Facts, SourceFacts, StorageFacts, Trouble } from '../facts.ts';
import type { FindingCode } from '../finding-codes.ts';

/** Rules are pure: facts in, findings out. */
export type Rule = (facts: Facts) => Finding[];
export type SourceRule = (source: SourceFacts, now: Date) => Finding[];
export type StorageRule = (storage: StorageFacts, facts: Facts) => Finding[];

type Said = Pick<Finding, 'severity' | 'message' | 'meaning' | 'hint'> & Partial<Finding>;

export function finding(code: FindingCode, said: Said): Finding {
  const { source = null, storage = null, value = null, threshold = null, tellsOf } = said;
  const { severity, message, meaning, hint } = said;
  const told = { code, severity, source, storage, value, threshold, message, meaning, hint };
  return tellsOf === undefined ? told : { ...told, tellsOf };
}

/** The words of an error, with its code where that says more than the finding's own. */
export function wordsOf({ message, code }: Trouble, own: FindingCode): string {
  return code === own ? message : `${message} (${code})`;
}
