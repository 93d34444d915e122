import { useTranslation } from 'react-i18next';
import type { SourceView } from '../../../src/api/contract.ts';
import { StateBadge } from './badge.tsx';

/** How a source stands, in a word. */
export function SourceState({ source }: { source: SourceView }) {
  const { t } = useTranslation();
  if (source.running.length > 0) return <StateBadge state="running" label={t('overview.isRunning')} />;
  if (source.newest === null) return <StateBadge state="critical" label={t('overview.isMissing')} />;
  if (source.failed)
    return <StateBadge state="failed" label={t('overview.isFailed')} told={source.failed.error?.message ?? ''} />;
  if (source.damaged > 0)
    return <StateBadge state="warning" label={t('overview.isDamaged', { count: source.damaged })} />;
  return <StateBadge state="ok" label={t('overview.isFine')} />;
}
